"""Every metric keeps the rules of `testing.check_metric`."""

import functools

import pytest

from compare_gan_tf.metrics import registry
from compare_gan_tf.testing import check_metric

# Settings that make them quick, or fit them to 60 samples.
SETTINGS = {}
OURS = [name for name in registry.names() if registry.find(name).__module__.startswith("compare_")]


@pytest.mark.parametrize("name", OURS)
def test_a_metric_keeps_the_rules(name):
    check_metric(functools.partial(registry.find(name), **SETTINGS.get(name, {})))

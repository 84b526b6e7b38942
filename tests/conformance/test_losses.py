"""Every loss of D's logits keeps the rules of `testing.check_loss`."""

import functools

import catalogue
import pytest

from compare_gan_tf.objectives import f_divergences, f_gan
from compare_gan_tf.testing import check_loss

DIVERGENCES = {
    name: functools.partial(f_gan.f_gan, divergence=getattr(f_divergences, name)())
    for name in ("kl", "reverse_kl", "gan", "jensen_shannon", "squared_hellinger")
}


@pytest.mark.parametrize("name", [*catalogue.LOSSES, *DIVERGENCES])
def test_a_loss_keeps_the_rules(name):
    check_loss({**catalogue.LOSSES, **DIVERGENCES}[name])

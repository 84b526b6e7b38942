import dataclasses
import functools
import json

import gin
import numpy as np
import pytest

from compare_gan_tf.data.polygons import Polygons
from compare_gan_tf.evaluation import outcomes, protocols
from compare_gan_tf.metrics import registry
from compare_gan_tf.metrics.base import Collected


def scaled(scale):
    def distance(images):
        return np.zeros(len(images)) * scale

    return distance


@gin.configurable(module="tests")
def bindable(images, scale=1.0):
    return np.zeros(len(images)) * scale


def named(images):
    return np.zeros(len(images))


def settings(distance):
    return protocols.settings(registry.find("polygon_precision")(distance=distance))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Polygons(vertices=3).distance, Polygons(vertices=4).distance),
        (functools.partial(bindable, scale=1.0), functools.partial(bindable, scale=2.0)),
        (scaled(0.5), scaled(0.50000001)),
        (scaled(np.array([0.5])), scaled(np.array([0.6]))),
    ],
)
def test_what_moves_the_results_of_a_function_is_a_setting(first, second):
    assert settings(first) != settings(second)
    json.dumps([settings(first), settings(second)], allow_nan=False)


def test_a_function_that_nothing_moves_is_its_name():
    assert settings(named)["distance"] == "named"


@pytest.mark.parametrize("binding", ["tests.bindable.scale = 2.0", "a/tests.bindable.scale = 2.0"])
def test_what_gin_binds_on_a_function_is_a_setting(no_bindings, binding):
    assert settings(bindable)["distance"] == {"": "bindable", "scale": 1.0}
    scope = "a/" if binding.startswith("a/") else ""
    reference = f"metrics.PolygonPrecision.distance = @{scope}tests.bindable"
    gin.parse_config([binding, reference])
    found = protocols.settings(gin.get_configurable("metrics.PolygonPrecision")())
    assert found["distance"] == {"": "bindable", "scale": 2.0}


def test_what_json_cannot_hold_is_text():
    assert settings(scaled(np.inf))["distance"]["scale"] == "inf"


def test_every_field_that_a_metric_may_need_has_a_cure():
    assert {field.name for field in dataclasses.fields(Collected)} == outcomes.NEEDS.keys()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reconstruction_error", "needs images of the real side: give images"),
        ("ppl", "needs a generator that can be differentiated: give a GAN or a run"),
        ("held_out_gap", "needs features of the real side: give samples or features"),
    ],
)
def test_what_is_lacking_is_told_with_a_cure(name, reason):
    metric, nothing = registry.find(name)(), Collected()
    assert reason in outcomes.missing_input(metric, {"real": nothing, "fake": nothing})

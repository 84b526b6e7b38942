"""What of a run's config may differ between two starts."""

import pytest
import toy_config  # noqa: F401, registers what is bound here

from compare_gan_tf import config
from compare_gan_tf.config import configurables
from compare_gan_tf.errors import UserError

pytestmark = pytest.mark.usefixtures("no_bindings")


def test_differing_lines_name_both_values_and_ignore_order_and_comments():
    old = "# one\na.x = 1\nb.y = @f()\nscope/c.z = [1, 2]\n"
    new = "scope/c.z = [1,\n    2]\nb.y = @g()\na.x = 1  # same\nd.w = 'new'\n"
    assert config.differing_lines(old, new) == ["- b.y = @f()", "+ b.y = @g()", "+ d.w = 'new'"]


def test_free_parameters_may_differ():
    free = [r"train\.(steps|seed)", r"evaluate\..*"]
    old = "train.steps = 1\nevaluate.samples = 1\ntrain.stepsize = 1"
    assert config.differing_lines(old, "train.steps = 2\ntrain.stepsize = 1", free) == []
    assert config.differing_lines(old, "train.stepsize = 2", free) == [
        "- train.stepsize = 1",
        "+ train.stepsize = 2",
    ]


def test_a_free_name_is_a_full_one():
    """A training that scores has settings of metrics, to which no binding need refer."""
    configurables.load()
    old = "Fid.interval = True\nfloor/metrics.Kid.subsets = 3\nunknown.x = 1\n"
    assert config.differing_lines(old, "", [r"(.*/)?metrics\..*"]) == ["- unknown.x = 1"]


def test_what_only_free_bindings_refer_to_may_differ():
    free = [r"train\.callbacks", r"train\.steps"]
    old = "train.callbacks = [@mine.Stop()]\nStop.at = 3\ntrain.steps = %n\nn = 1\n"
    assert config.differing_lines(old, "train.callbacks = ()\ntrain.steps = 4", free) == []
    assert config.differing_lines(old, old.replace("3", "4").replace("n = 1", "n = 2"), free) == []
    shared = old + "GAN.x = %n\nGAN.y = @Stop"
    new = shared.replace("3", "4").replace("n = 1", "n = 2")
    lines = config.differing_lines(shared, new, free)
    assert lines == ["- Stop.at = 3", "+ Stop.at = 4", "- n = 1", "+ n = 2"]


def test_one_and_true_and_one_point_zero_are_different_values():
    assert config.differing_lines("a.x = 1", "a.x = True") == ["- a.x = 1", "+ a.x = True"]
    assert config.differing_lines("a.x = 1", "a.x = 1.0") == ["- a.x = 1", "+ a.x = 1.0"]


def test_a_damaged_config_is_a_user_error():
    with pytest.raises(UserError, match="cannot parse"):
        config.differing_lines("a.x = ", "a.x = 1")


@pytest.mark.parametrize(
    ("line", "differs"),
    [
        ("toy_config.toy_loss.margin = 1.0", False),  # the default
        ("toy_config.toy_loss.margin = 2.0", True),
        ("toy_config.ToyGame.loss = None", False),
        ("toy_config.ToyGame.loss = @toy_loss", True),
        ("no_such.thing = 1", True),
    ],
)
def test_a_parameter_that_is_newer_than_the_run_differs_unless_it_has_its_default(line, differs):
    old = "toy_config.toy_train.steps = 3\n"
    assert config.differing_lines(old, old + line) == ([f"+ {line}"] if differs else [])
    assert config.differing_lines(old + line, old) == [f"- {line}"]  # it was bound

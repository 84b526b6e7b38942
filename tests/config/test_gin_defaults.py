"""A config.gin that an earlier version wrote: its names are known and mean what they meant."""

import inspect

import gin
import pytest

from compare_gan_tf.config import configurables

# {name: default of today} of parameters whose default was changed on purpose; what an old run wrote
# of them stays in its config.gin.
CHANGED = {
    "FDivergenceBound.divergence": inspect.Parameter.empty,  # None was refused when it was made
    "train.jit_compile": "auto",  # False on the CPUs of then; folder.FREE lets it change
}
GONE = {"train.describe", "train.due"}  # of Python alone: no config could name them


@pytest.fixture(scope="module")
def then(golden):
    """{parameter: [its default]}, or [] where that was no literal."""
    configurables.load()
    return golden("gin_defaults")["defaults"]


def test_parameters_of_then_are_there_with_their_defaults(then):
    """A default that changes would change the result of a config that leaves it alone."""
    assert len(then) > 1_000
    for name, default in then.items():
        if name in GONE:
            continue
        function, _, parameter = name.rpartition(".")
        configurable = gin.config._REGISTRY.get_match(function)  # one, or gin raises
        assert configurable is not None, f"{name} is no longer known to gin"
        called = configurable.wrapped
        called = called.__init__ if inspect.isclass(called) else called
        parameters = inspect.signature(called).parameters
        assert parameter in parameters, f"{name} is no longer a parameter"
        if default and name not in CHANGED:
            now = parameters[parameter].default
            now = list(now) if isinstance(now, tuple) else now
            assert type(now) is type(default[0]) and now == default[0], (name, default[0], now)

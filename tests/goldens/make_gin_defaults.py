"""Writes gin_defaults.json: every parameter that gin knew at an earlier version, and its default.

  git worktree add /somewhere/old 1fe6075   # with a virtual environment that it is installed in
  /somewhere/old/.venv/bin/python tests/goldens/make_gin_defaults.py

Only literal defaults are kept: null stands for None, and [] for what has none or an object.
"""

import inspect
import pathlib
import subprocess
import types

import gin
from writing import write

LITERALS = (bool, int, float, str, types.NoneType)


def literal(value) -> list:
    """[value], or [] of anything else."""
    if isinstance(value, LITERALS):
        return [value]
    is_tuple = isinstance(value, tuple) and all(isinstance(one, LITERALS) for one in value)
    return [list(value)] if is_tuple else []


def parameters() -> dict:
    """{shortest name "function.parameter": its default} of what the package registers with gin."""
    found = {}
    for selector, configurable in gin.config._REGISTRY.items():
        function = configurable.wrapped
        if function.__module__.startswith("compare_gan_tf"):
            called = function.__init__ if inspect.isclass(function) else function
            name = gin.config._REGISTRY.minimal_selector(selector)
            for parameter in list(inspect.signature(called).parameters.values()):
                if parameter.name != "self":
                    found[f"{name}.{parameter.name}"] = literal(parameter.default)
    return dict(sorted(found.items()))


def made() -> dict:
    from compare_gan_tf import configurables  # where that version had it

    configurables.load()
    folder = pathlib.Path(configurables.__file__).parent
    asked = ["git", "-C", folder, "rev-parse", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return {
        "source": f"inspect.signature of what commit {commit} registers",
        "defaults": parameters(),
    }


if __name__ == "__main__":
    write(__file__, made())

"""Reading the gin file of a study.

    study.base = "small/digits_mlp.gin"
    study.axes = {
        "loss": {
            "non-saturating": ["Adversarial.loss = @non_saturating"],
            "hinge": ["Adversarial.loss = @hinge"],
        },
        "adam.beta_1": [0.0, 0.5],
    }
    study.seeds = 3

The file is read as data: it runs nothing, imports nothing, and names parts without looking them up.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Any

from gin import config_parser

from compare_gan_tf.config import gin_errors, gin_files
from compare_gan_tf.config.gin_statements import AsData, Key, Reference, statements
from compare_gan_tf.errors import UserError
from compare_gan_tf.study import values
from compare_gan_tf.study.plan import GRID, SEARCHES, Plan


@dataclasses.dataclass(frozen=True)
class Texts:
    """A study in gin, with nothing left to include, so that other machines read the same."""

    study: str  # of the study's file
    base: str  # of all that `study.base` names


def read(path: str, bindings: Sequence[str] = ()) -> tuple[Plan, Texts]:
    """Reads the gin file of a study, and the files of its runs.

    Args:
      path: as `--gin_config` has it.
      bindings: statements that win over those of the file.

    Raises:
      UserError: one cannot be read, or says something that a study cannot heed; names it.
    """
    folder = os.path.dirname(gin_files.find_config(path))
    with _explained():
        text = gin_files.expanded(path) + "".join(f"{one}\n" for one in bindings)
        _refuse_imports(text)
    plan = parse(text, os.path.splitext(os.path.basename(path))[0])
    with _explained():
        base = "".join(gin_files.expanded(_beside(one, folder)) for one in plan.base)
    return plan, Texts(text, base)


def _refuse_imports(text: str) -> None:
    for statement in config_parser.ConfigParser(text, AsData()):
        if not isinstance(statement, config_parser.BindingStatement):
            raise UserError(
                "the file of a study imports nothing, and its --gin_bindings include nothing: put"
                " imports into the file that study.base names"
            )


def parse(text: str, name: str) -> Plan:
    """The study that a text describes.

    Args:
      text: gin without includes.
      name: of the study, where the text has none.

    Raises:
      UserError: see `read`.
    """
    with _explained():
        bound = statements(text)
    macros = {key.scope: value for key, value in bound.items() if key.selector == "gin.macro"}
    bound = {
        key: _without_macros(value, macros)
        for key, value in bound.items()
        if key.selector != "gin.macro"
    }
    given = _of_study(bound)
    given.setdefault("search", Reference("", GRID, True))
    for needed, like in (("base", '"my.gin"'), ("axes", '{"adam.beta_1": [0.0, 0.5]}')):
        if needed not in given:
            raise UserError(f"the study binds no study.{needed}: it must, such as {like}")
    readers = {
        "base": values.files,
        "bindings": values.texts,
        "axes": values.axes,
        "tasks": values.choices,
        "settings": values.settings,
        "exclude": values.exclude,
        "search": lambda name, value: values.search(name, value, bound),
        "seeds": values.seeds,
    }
    read_values = {
        name: readers[name](f"study.{name}", value) if name in readers else value
        for name, value in given.items()
    }
    plan = Plan(**{"name": name} | read_values)
    _check_excluded(plan)
    return plan


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Raises what gin's parser says as one line."""
    try:
        yield
    except UserError:
        raise
    except gin_errors.RAISED as error:
        said = gin_errors.explain(error)
        raise UserError(said.replace("parse --gin_bindings", "parse the study,")) from error


def _of_study(bound: dict[Key, Any]) -> dict[str, Any]:
    """What is bound on `study`; anything else but a search's options is refused."""
    known = [field.name for field in dataclasses.fields(Plan)]
    given = {}
    for key, value in bound.items():
        if key.selector in SEARCHES and not key.scope:
            continue
        if key.selector != "study" or key.scope:
            raise UserError(
                f"the file of a study binds {key}: what its runs bind belongs into study.bindings"
                " or into the file that study.base names"
            )
        if key.parameter not in known:
            hint = gin_errors.did_you_mean(key.parameter, known)
            raise UserError(f"a study has no parameter {key.parameter!r}{hint}")
        given[key.parameter] = value
    return given


def _without_macros(value, macros: dict[str, Any], depth: int = 0):
    """A value with what each %macro stands for."""
    if isinstance(value, Reference) and value.selector == "gin.macro":
        if value.scope not in macros or depth > 50:
            raise UserError(f"the macro {value!r} is used and not defined")
        return _without_macros(macros[value.scope], macros, depth + 1)
    if isinstance(value, Reference):
        return value
    if isinstance(value, dict):
        return {key: _without_macros(one, macros, depth) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_macros(one, macros, depth) for one in value)
    return value


def _beside(name: str, folder: str) -> str:
    """A path, if the file lies beside that of the study; else the name, as of a packaged config."""
    beside = os.path.join(folder, name)
    return beside if "://" not in name and os.path.isfile(beside) else name


def _check_excluded(plan: Plan) -> None:
    """Refuses names in `exclude` that the study does not have."""
    axes = plan.axes | {"task": plan.tasks}
    for one in plan.exclude:
        for axis, labels in one.items():
            known = list(axes) if axis not in axes else list(axes[axis])
            for name in (axis,) if axis not in axes else labels:
                if name not in known:
                    hint = gin_errors.did_you_mean(name, known) or f"; there are {known}"
                    raise UserError(f"study.exclude names {name!r}, which the study lacks{hint}")

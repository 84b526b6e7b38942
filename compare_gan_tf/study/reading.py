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

from compare_gan_tf.config import gin_errors, gin_files
from compare_gan_tf.config.gin_statements import Key, Reference, statements
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.study.plan import SEARCHES, Choice, Plan, Search, Setting, Span

_SPANS = {
    "uniform": {}, "log": {"log": True},
    "whole": {"whole": True}, "log_whole": {"whole": True, "log": True},
}  # fmt: skip


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
    plan = parse(text, os.path.splitext(os.path.basename(path))[0])
    with _explained():
        base = "".join(gin_files.expanded(_beside(one, folder)) for one in plan.base)
    return plan, Texts(text, base)


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
    values = {
        key: _without_macros(value, macros)
        for key, value in bound.items()
        if key.selector != "gin.macro"
    }
    given = _of_study(values)
    for needed, like in (("base", '"my.gin"'), ("axes", '{"adam.beta_1": [0.0, 0.5]}')):
        if needed not in given:
            raise UserError(f"the study binds no study.{needed}: it must, such as {like}")
    readers = {
        "base": _texts,
        "bindings": _texts,
        "axes": _axes,
        "tasks": _choices,
        "settings": _settings,
        "exclude": _exclude,
        "search": lambda name, value: _search(name, value, values),
        "seeds": _seeds,
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
        raise UserError(gin_errors.explain(error)) from error


def _of_study(values: dict[Key, Any]) -> dict[str, Any]:
    """What is bound on `study`; anything else but a search's options is refused."""
    known = [field.name for field in dataclasses.fields(Plan)]
    given = {}
    for key, value in values.items():
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


def _texts(name: str, value) -> tuple[str, ...]:
    """A text, or a list of them."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a text or a list of texts")
    return tuple(texts)


def _beside(name: str, folder: str) -> str:
    """A path, if the file lies beside that of the study; else the name, as of a packaged config."""
    beside = os.path.join(folder, name)
    return beside if "://" not in name and os.path.isfile(beside) else name


def _dictionary(name: str, value, like: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or not all(isinstance(one, str) for one in value):
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a dict such as {like}")
    return value


def _axes(name: str, value) -> dict[str, dict[str, Choice]]:
    like = '{"loss": {"hinge": ["Adversarial.loss = @hinge"]}, "adam.beta_1": [0.0, 0.5]}'
    axes = _dictionary(name, value, like)
    return {axis: _choices(f"{name}[{axis!r}]", one, axis) for axis, one in axes.items()}


def _choices(name: str, value, binding: str | None = None) -> dict[str, Choice]:
    """{label: choice}, of a dict of bindings, or of a list of values of one binding."""
    if isinstance(value, list) and value and binding and "." in binding:
        found = {_label(one): Choice((f"{binding} = {one!r}",)) for one in value}
        if len(found) < len(value):
            raise UserError(f"{name} has a value twice: {kinds.shown(value)}")
        return found
    like = '{"hinge": ["Adversarial.loss = @hinge"]}, or, of a binding, a list such as [0.0, 0.5]'
    found = _dictionary(name, value, like)
    return {label: _choice(f"{name}[{label!r}]", one) for label, one in found.items()}


def _label(value) -> str:
    return value if isinstance(value, str) else repr(value).removeprefix("@")


def _choice(name: str, value) -> Choice:
    if not isinstance(value, dict):
        return Choice(_texts(name, value))
    if value.keys() - {"bindings", "settings"}:
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be a list of bindings, or a dict with"
            ' "bindings" and "settings"'
        )
    own = value.get("settings", {})
    settings = {key: one and _setting(f"{name}[{key!r}]", key, one) for key, one in own.items()}
    return Choice(_texts(name, value.get("bindings", [])), settings)


def _settings(name: str, value) -> dict[str, Setting]:
    like = '{"adam.learning_rate": [1e-4, 1e-3], "GradientPenalty.weight": ("log", 0.1, 100.0)}'
    found = _dictionary(name, value, like)
    settings = {key: _setting(f"{name}[{key!r}]", key, one) for key, one in found.items()}
    for key, choices in settings.items():
        if isinstance(choices, dict) and any(one.settings for one in choices.values()):
            raise UserError(f"{name}[{key!r}] has settings of its own: only a value of an axis may")
    return settings


def _setting(name: str, key: str, value) -> Setting:
    if not isinstance(value, tuple):
        return _choices(name, value, key)
    kind, *ends = value if value else (None,)
    numbers = [one for one in ends if isinstance(one, int | float) and not isinstance(one, bool)]
    if kind not in _SPANS or len(ends) != 2 or len(numbers) != 2 or not ends[0] < ends[1]:
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be ({', '.join(map(repr, _SPANS))}: one of"
            " them, low, high), or a list of values"
        )
    whole = _SPANS[kind].get("whole", False)
    for end in ends:
        kinds.require_number(f"{name}, which is {kinds.shown(value)},", end, whole=whole)
    if _SPANS[kind].get("log") and ends[0] <= 0:
        raise UserError(f"{name} is {kinds.shown(value)}: a logarithmic range begins above 0")
    return Span(*ends, **_SPANS[kind])


def _exclude(name: str, value) -> tuple[dict[str, tuple[str, ...]], ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, dict) for one in value):
        like = '[{"loss": "hinge", "normalisation": ["none", "batch"]}]'
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a list such as {like}")
    return tuple({axis: _texts(name, found) for axis, found in one.items()} for one in value)


def _check_excluded(plan: Plan) -> None:
    """Refuses names in `exclude` that the study does not have."""
    axes = plan.axes | {"task": plan.tasks}
    for one in plan.exclude:
        for axis, values in one.items():
            known = list(axes) if axis not in axes else list(axes[axis])
            for name in (axis,) if axis not in axes else values:
                if name not in known:
                    hint = gin_errors.did_you_mean(name, known) or f"; there are {known}"
                    raise UserError(f"study.exclude names {name!r}, which the study lacks{hint}")


def _search(name: str, value, values: dict[Key, Any]) -> Search:
    if not isinstance(value, Reference) or value.selector not in SEARCHES or not value.called:
        known = ", ".join(f"@{one}()" for one in SEARCHES)
        raise UserError(f"{name} is {kinds.shown(value)}: it must be one of {known}")
    options = dict(SEARCHES[value.selector])
    for key, one in values.items():
        if key.selector not in SEARCHES:
            continue
        if key.selector != value.selector or key.parameter not in options:
            raise UserError(f"the study's search is {value!r}, which has no {key}: remove it")
        whole = isinstance(options[key.parameter], int)
        kinds.require_number(str(key), one, above=0, whole=whole)
        options[key.parameter] = one
    return Search(value.selector, options)


def _seeds(name: str, value) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool):
        kinds.require_number(name, value, least=1, whole=True)
        return tuple(range(value))
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a number, or a list of seeds")
    for one in value:
        kinds.require_number(name, one, least=0, whole=True)
    if len(set(value)) < len(value):
        raise UserError(f"{name} is {kinds.shown(value)}: it has a seed twice")
    return tuple(value)

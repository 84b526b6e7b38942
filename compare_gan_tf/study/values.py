"""What the parameters of a study may be, each read from a value as gin has it.

A reader takes the name of the parameter, for messages, and its value; it raises a `UserError` for
what a study cannot heed.
"""

from collections.abc import Iterable
from typing import Any

from compare_gan_tf.comparison.records import seen
from compare_gan_tf.config import gin_errors
from compare_gan_tf.config.gin_statements import Key, Reference
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.study.plan import SEARCHES, Choice, Search, Setting, Span, require_name

_SPANS = {
    "uniform": {}, "log": {"log": True},
    "whole": {"whole": True}, "log_whole": {"whole": True, "log": True},
}  # fmt: skip
_MOST = 1e300  # of an end of a range
_MOST_SEEDS, _SEEDS = 1000, 2**31


def texts(name: str, value) -> tuple[str, ...]:
    """A text, or a list of them."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a text or a list of texts")
    return tuple(texts)


def files(name: str, value) -> tuple[str, ...]:
    """A file, or a list of them."""
    if not value:
        raise UserError(f"{name} is {kinds.shown(value)}: it must name a gin file, or several")
    return texts(name, value)


def _dictionary(name: str, value, like: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a dict such as {like}")
    for one in value:
        require_name(f"a name in {name}", one)
    _refuse_alike(name, value)
    return value


def _refuse_alike(name: str, labels: Iterable[str]) -> None:
    """Refuses labels of which two look the same to a reader."""
    found: dict[str, str] = {}
    for one in labels:
        other = found.setdefault(seen(one), one)
        if other != one:
            raise UserError(f"{name} has two values of one name: {other!r} and {one!r}; rename one")


def axes(name: str, value) -> dict[str, dict[str, Choice]]:
    """{axis: {label: choice}}."""
    like = '{"loss": {"hinge": ["Adversarial.loss = @hinge"]}, "adam.beta_1": [0.0, 0.5]}'
    axes = _dictionary(name, value, like)
    if "task" in axes:
        raise UserError(f"{name} has an axis 'task': bind study.tasks, or give it another name")
    return {axis: choices(f"{name}[{axis!r}]", one, axis) for axis, one in axes.items()}


def choices(name: str, value, binding: str | None = None) -> dict[str, Choice]:
    """{label: choice}, of a dict of bindings, or of a list of values of one binding."""
    if isinstance(value, list) and value and binding and "." in binding:
        if any(one in value[:i] for i, one in enumerate(value)):
            raise UserError(f"{name} has a value twice: {kinds.shown(value)}")
        found = {_label(one): Choice((f"{binding} = {one!r}",)) for one in value}
        for label in found:
            require_name(f"a value of {name}", label)
        if len(found) < len(value):
            raise UserError(f"{name} has two values of one name: {kinds.shown(value)}")
        _refuse_alike(name, found)
        return found
    like = '{"hinge": ["Adversarial.loss = @hinge"]}, or, of a binding, a list such as [0.0, 0.5]'
    found = _dictionary(name, value, like)
    return {label: _choice(f"{name}[{label!r}]", one) for label, one in found.items()}


def _label(value) -> str:
    return value if isinstance(value, str) else repr(value).removeprefix("@")


def _choice(name: str, value) -> Choice:
    if not isinstance(value, dict):
        return Choice(texts(name, value))
    own = value.get("settings", {})
    if not value or value.keys() - {"bindings", "settings"} or not isinstance(own, dict):
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be a list of bindings, or a dict with"
            ' "bindings" and "settings"'
        )
    settings = {
        key: None if one is None else _setting(f"{name}[{key!r}]", key, one)
        for key, one in own.items()
    }
    return Choice(texts(name, value.get("bindings", [])), settings)


def settings(name: str, value) -> dict[str, Setting]:
    """{name: values or a range}."""
    like = '{"adam.learning_rate": [1e-4, 1e-3], "GradientPenalty.weight": ("log", 0.1, 100.0)}'
    found = _dictionary(name, value, like)
    settings = {key: _setting(f"{name}[{key!r}]", key, one) for key, one in found.items()}
    for key, choices in settings.items():
        if isinstance(choices, dict) and any(one.settings for one in choices.values()):
            raise UserError(f"{name}[{key!r}] has settings of its own: only a value of an axis may")
    return settings


def _setting(name: str, key: str, value) -> Setting:
    if not isinstance(value, tuple):
        return choices(name, value, key)
    kind, *ends = value if value else (None,)
    if not isinstance(kind, str) or kind not in _SPANS or len(ends) != 2:
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be ({', '.join(map(repr, _SPANS))}: one of"
            " them, low, high), or a list of values"
        )
    span = _SPANS[kind]
    whole, place = span.get("whole", False), f"an end of {name} = {kinds.shown(value)}"
    for one in ends:
        kinds.require_number(place, one, whole=whole, least=-_MOST, most=_MOST)
        if span.get("log") and one <= 0:
            raise UserError(f"{name} is {kinds.shown(value)}: a logarithmic range begins above 0")
    if not ends[0] < ends[1]:
        raise UserError(f"{name} is {kinds.shown(value)}: its low end must be below its high end")
    return Span(*ends, **span)


def exclude(name: str, value) -> tuple[dict[str, tuple[str, ...]], ...]:
    """({axis: labels}, ...)."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, dict) for one in value):
        like = '[{"loss": "hinge", "normalisation": ["none", "batch"]}]'
        raise UserError(f"{name} is {kinds.shown(value)}: it must be a list such as {like}")
    found = []
    for one in value:
        if not one or not all(one.values()) and [] in one.values():
            raise UserError(f"{name} has {kinds.shown(one)}, which names nothing: remove it")
        for axis in one:
            require_name(f"an axis of {name}", axis)
        found.append({axis: tuple(map(_label, _listed(values))) for axis, values in one.items()})
    return tuple(found)


def _listed(value) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def search(name: str, value, bound: dict[Key, Any]) -> Search:
    """A search, with its options among all that a study binds."""
    is_one = isinstance(value, Reference) and value.called and not value.scope
    if not is_one or value.selector not in SEARCHES:
        known = ", ".join(f"@{one}()" for one in SEARCHES)
        raise UserError(f"{name} is {kinds.shown(value)}: it must be one of {known}")
    options = dict(SEARCHES[value.selector])
    for key, one in bound.items():
        if key.selector not in SEARCHES:
            continue
        if key.selector != value.selector or key.parameter not in options:
            hint = gin_errors.did_you_mean(key.parameter, options)
            raise UserError(f"the study's search is {value!r}, which has no {key}: remove it{hint}")
        kinds.require_number(str(key), one, above=0, whole=isinstance(options[key.parameter], int))
        options[key.parameter] = one
    return Search(value.selector, options)


def seeds(name: str, value) -> tuple[int, ...]:
    """A number of them, from 0, or a list."""
    if isinstance(value, int) and not isinstance(value, bool):
        kinds.require_number(name, value, least=1, most=_MOST_SEEDS, whole=True)
        return tuple(range(value))
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _MOST_SEEDS:
        raise UserError(
            f"{name} is {kinds.shown(value)}: it must be a number, or a list of seeds, at most"
            f" {_MOST_SEEDS}"
        )
    for one in value:
        kinds.require_number(f"one of {name}", one, least=0, below=_SEEDS, whole=True)
    if len(set(value)) < len(value):
        raise UserError(f"{name} is {kinds.shown(value)}: it has a seed twice")
    return tuple(value)

"""What can be completed: verbs, their flags, and values of flags; found without TensorFlow."""

import functools
import importlib
import re
from typing import NamedTuple

from absl import flags

from compare_gan_tf.bin import command
from compare_gan_tf.config import gin_files
from compare_gan_tf.metrics import extractor_names, sources
from compare_gan_tf.pretrained import shipped

LISTS = ("metrics",)  # flags whose value is a list
_LONGEST = 70  # characters of a help text


class Verb(NamedTuple):
    """A verb, such as "train" or "study work".

    Attributes:
      text: what it does.
      flags: of it.
      arguments: whether it takes paths without a flag.
    """

    text: str
    flags: list["Flag"]
    arguments: bool


class Flag(NamedTuple):
    """A flag of a verb.

    Attributes:
      name: with dashes.
      text: of its help.
      takes_value: whether "=" follows.
      values: those that are known; () for a path.
    """

    name: str
    text: str
    takes_value: bool
    values: tuple[str, ...] = ()


def verbs() -> dict[str, Verb]:
    """{name of a verb: the verb}."""
    from compare_gan_tf.bin.main import VERBS

    found = {}
    for name, text in VERBS.items():
        module = importlib.import_module(f"compare_gan_tf.bin.{name}")
        found[name] = _verb(text, module)
        for part in getattr(module, "SUBVERBS", ()):
            below = importlib.import_module(f"{module.__name__}.{part}")
            text = _short(below.__doc__ or "")
            found[f"{name} {part}"] = _verb(text[:1].lower() + text[1:], below)
    return found


def parts(all_verbs: dict[str, Verb]) -> dict[str, list[str]]:
    """{verb: the verbs below it}, of those that have some."""
    found = {}
    for name in all_verbs:
        above, space, part = name.partition(" ")
        if space:
            found.setdefault(above, []).append(part)
    return found


def _verb(text: str, module) -> Verb:
    values = command.own_flags(
        module.define_flags, getattr(module, "COMMON_FLAGS", command.COMMON_FLAGS)
    )
    found = [one for name in values for one in _flags(name, values[name])]
    return Verb(text, found, getattr(module, "ARGUMENTS", None) == "runs")


def _flags(name: str, flag: flags.Flag) -> list[Flag]:
    text = _short(flag.help or "")
    if not isinstance(flag, flags.BooleanFlag):
        return [Flag(f"--{name}", text, True, _values(name, flag))]
    negated = [Flag(f"--no{name}", text, False)] if flag.default else []
    return [Flag(f"--{name}", text, False), *negated]


def _short(text: str) -> str:
    """The first sentence, without what would end a string of a shell, and values of an enum."""
    text = re.sub(r"^<[^>]*>: ", "", " ".join(text.split())).split(". ")[0].rstrip(".")
    text = text.replace(": ", " - ")
    text = "".join(one for one in text if one not in "'\"\\[]:`$")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _values(name: str, flag: flags.Flag) -> tuple[str, ...]:
    """What a flag may be set to; () for a path, a number, or what is not known."""
    if values := getattr(flag.parser, "enum_values", ()):
        return tuple(values)
    known = {
        "gin_config": gin_files.packaged_configs,
        "model": shipped.names,
        "metrics": _metrics,
        "metric": _metrics,
        "extractor": extractor_names.names,
        "preset": lambda: (node.name for _, node in sources.registered("by_name")),
        "checkpoint": lambda: ("best", "latest"),
        "select_on": lambda: ("train", "validation", "test"),
        "report_on": lambda: ("train", "validation", "test"),
    }
    return tuple(known[name]()) if name in known else ()


@functools.cache
def _metrics() -> list[str]:
    classes = sources.registered('gin.register(module="metrics")')
    return sorted(filter(None, (sources.constant(node, "name") for _, node in classes)))

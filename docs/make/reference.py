"""The pages of the reference: packages, names for gin, and commands."""

import importlib

import parts

from compare_gan_tf.bin import command
from compare_gan_tf.bin.main import VERBS
from compare_gan_tf.config import gin_insides

_NOTE = "<!-- written by docs/make/reference.py: run make docs -->"
# The packages with a page, and where else their parts are documented.
PACKAGES = (
    "gan", "training", "data", "latents", "augment", "architectures", "layers", "optimizers",
    "objectives", "metrics", "evaluation", "analysis", "comparison", "report", "export",
    "pretrained", "sampling", "lowering", "testing",
)  # fmt: skip
ELSEWHERE = ("objectives", "metrics")  # most of their modules have pages of their own
ALSO = {  # public, and neither exported by their package nor registered
    "evaluation": ("pairs.evaluate", "scores.Scores"),
    "gan": ("samplers.Langevin", "samplers.Rejection"),
    "metrics": ("base.Collected", "base.Metric", "base.Score", "base.UndefinedScore"),
    "objectives": ("losses.Losses", "losses.as_losses"),
}


def pages() -> dict[str, str]:
    """{path below docs/: text}."""
    found = {"reference/index.md": index(), "reference/commands.md": commands()}
    found["reference/gin.md"] = names_for_gin()
    return found | {f"reference/{name}.md": package_page(name) for name in PACKAGES}


def index() -> str:
    """What the reference has."""
    lines = ["# Reference", "", _NOTE, "", "| page | what it has |", "|---|---|"]
    lines.append("| [Commands](commands.md) | every verb of `compare-gan`, with its flags |")
    lines.append("| [Names for gin](gin.md) | everything that a config may bind, with defaults |")
    for name in PACKAGES:
        room = importlib.import_module(f"compare_gan_tf.{name}")
        lines.append(f"| [`compare_gan_tf.{name}`]({name}.md) | {parts.first_line(room)} |")
    return "\n".join(lines)


def package_page(name: str) -> str:
    """The public functions and classes of a package."""
    package = f"compare_gan_tf.{name}"
    found = [one for one in parts.public(package) if one.startswith(f"{package}.")]
    room = importlib.import_module(package)
    lines = [f"# {package}", "", _NOTE, "", parts.first_line(room), ""]
    if name in ELSEWHERE:
        apart = {*parts.formulas()[name], "f_divergences"}
        found = [one for one in found if one.split(".")[2] not in apart]
        lines += [f"The {name} themselves have [pages of their own](../{name}/index.md).", ""]
    for one in [*(f"{package}.{more}" for more in ALSO.get(name, ())), *found]:
        # export/ lies at the top of the repository, where mkdocstrings reads the sources.
        lines += [f"::: {one.replace('compare_gan_tf.export.', 'export.')}", ""]
    return "\n".join(lines)


def names_for_gin() -> str:
    """All that a config may bind: names, parameters and defaults."""
    lines = [
        "# Names for gin", "", _NOTE, "",
        "A config binds `name.parameter = value`, and names a part as `@name`. A parameter without",
        "a default here must be bound, or has one that a config cannot write.", "",
    ]  # fmt: skip
    groups: dict[str, list[str]] = {}
    for selector, part in parts.registered().items():
        groups.setdefault(parts.module_of(part).split(".")[1], []).append(selector)
    for group in sorted(groups):
        lines += [f"## {group}", "", "| name | parameters |", "|---|---|"]
        for selector in sorted(groups[group], key=str.lower):
            shown = parts.parameters(parts.registered()[selector]).items()
            shown = [pair for pair in shown if pair[0] not in gin_insides.denied(selector)]
            cells = [name if value is None else f"{name} = {value}" for name, value in shown]
            cell = "<br>".join(f"`{cell}`" for cell in cells).replace("|", "&#124;")
            lines.append(f"| `{gin_insides.short_name(selector)}` | {cell} |")
        lines.append("")
    return "\n".join(lines)


def commands() -> str:
    """Every verb with its flags, as `--help` prints them."""
    lines = ["# Commands", "", _NOTE, "", "What `compare-gan VERB --help` prints. See also the"]
    lines += ["exit codes: [troubleshooting](../troubleshooting.md#exit-codes).", ""]
    for verb in VERBS:
        module = importlib.import_module(f"compare_gan_tf.bin.{verb}")
        lines += _command(verb, module)
        for sub in getattr(module, "SUBVERBS", ()):
            lines += _command(f"{verb} {sub}", importlib.import_module(f"{module.__name__}.{sub}"))
    return "\n".join(lines)


def _command(name: str, module) -> list[str]:
    text = command.help_text(name, module)
    head = f"compare-gan {name}: "
    return [f"## {name}", "", "```text", text.removeprefix(head), "```", ""]

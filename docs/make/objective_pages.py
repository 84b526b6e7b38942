"""The pages of objectives: formula, curves, config, docstrings."""

import re
from collections.abc import Callable

import parts
import pieces

# These objectives stand alone in a GAN.
ALONE = {
    "losses", "f_gan", "relativistic", "slicing", "top_k", "boundary_seeking", "discrete",
    "loss_sensitive", "likelihood",
}  # fmt: skip
TITLES = {"losses": "Adversarial losses", "f_gan": "f-GAN", "likelihood": "Likelihood"}
ALSO = {"f_gan": ["f_divergences"]}  # further modules whose parts a page has


def names() -> list[str]:
    """The modules of `objectives` that have a page, those of formulas.toml first."""
    ours = (name for name in parts.registered() if name.startswith("objectives."))
    modules = [parts.module_of(parts.registered()[name]).split(".")[-1] for name in ours]
    return list(dict.fromkeys([*parts.formulas()["objectives"], *modules]))


def modules_of(page: str) -> list[str]:
    """The modules whose parts are on the page of an objective."""
    return [f"compare_gan_tf.objectives.{name}" for name in [page, *ALSO.get(page, [])]]


def _parts_of(page: str) -> dict[str, Callable]:
    found = {}
    for module in modules_of(page):
        found |= parts.registered_in(module)
    return found


def title(page: str) -> str:
    """The title of a page: the objectives that it is about."""
    if page in TITLES:
        return TITLES[page]
    return ", ".join(n.split(".")[1] for n in _parts_of(page) if n.startswith("objectives."))


def page(name: str) -> str:
    """The page of the objectives that a module has."""
    found = _parts_of(name)
    lines = [f"# {title(name)}", "", pieces.WARNING, "", *pieces.formulas("objectives", name)]
    lines += pieces.picture("objectives", name)
    lines += ["## In a config", "", "```gin", *_in_a_config(name, found), "```", ""]
    if name != "losses":  # nearly all configs have one of these
        lines += pieces.configs({selector.rpartition(".")[2] for selector in found})
    lines += ["## What it does", ""]
    for module in modules_of(name):
        own = [part for part in found.values() if parts.module_of(part) == module]
        lines += [*pieces.directive(module, [parts.plain(part).__name__ for part in own]), ""]
    return "\n".join(lines)


def _in_a_config(page: str, found: dict) -> list[str]:
    """The lines of a config that take the objectives of a page, with all settings."""
    classes = [n.split(".")[1] for n in found if n.startswith("objectives.")]
    classes = [name for name in classes if name != "LossSensitiveClassifier"]
    named = [] if page in ALONE else ["Adversarial"]
    if page == "likelihood":
        classes = ["MaximumLikelihood"]
    shown = ["Adversarial"] if page in ("losses", "f_gan") else [*named, *classes[:1]]
    if page == "kernel_penalty":
        shown = ["Adversarial", "L2", "Orthogonal"]
    if page == "reconstruction":  # FastGAN's two
        shown = classes
    lines = [f"GAN.objectives = [{', '.join(f'@{name}()' for name in shown)}]"]
    if page == "f_gan":
        lines.append("Adversarial.loss = @f_gan")
    for selector in found:
        bound = [one for one in parts.bindings(selector) if not re.search(r"\.name = ", one)]
        lines += ["", *bound] if bound else []
    return lines


def index() -> str:
    """The page that lists all objectives."""
    lines = [
        "# Objectives", "", pieces.WARNING, "",
        "A GAN has a list of objectives, `GAN.objectives`. Each adds terms to the losses of both;",
        "[the update](../concepts/update.md) says how they share one pass of D. Your own:",
        "[a loss](../how_to/loss.md).", "",
        "| objective | what it is |", "|---|---|",
    ]  # fmt: skip
    for page in names():
        for selector, part in _parts_of(page).items():
            if selector.startswith(("objectives.", "losses.")):
                name = selector.split(".")[1]
                lines.append(f"| [`{name}`]({page}.md) | {pieces.cell(parts.first_line(part))} |")
    return "\n".join(lines)

"""The pages of metrics: formula, scores under defects, an example, docstrings."""

from collections.abc import Callable

import parts
import pieces

from compare_gan_tf.metrics import registry

DEFECTS = "../evaluation.md#how-each-score-responds-to-defects"


def modules() -> dict[str, list[str]]:
    """{module of `metrics` with a page: names of its metrics}, in the order of formulas.toml."""
    found = {name: [] for name in parts.formulas()["metrics"]}
    for name in registry.names():
        module = registry.find(name).__module__
        if module.startswith("compare_gan_tf.metrics."):
            found.setdefault(module.rpartition(".")[2], []).append(name)
    return found


def page(name: str, outputs: Callable[[str, str], str]) -> str:
    """The page of the metrics that a module has."""
    names, module = modules()[name], f"compare_gan_tf.metrics.{name}"
    lines = [f"# {', '.join(names)}", "", pieces.WARNING, "", *pieces.formulas("metrics", name)]
    lines += ["| metric | scores | better | real side | fake side |", "|---|---|---|---|---|"]
    lines += [_metric_row(registry.find(one)) for one in names]
    lines += [""]
    if picture := pieces.picture("metrics", name):
        text = f"The numbers, and how they were measured: [evaluation]({DEFECTS})."
        lines += [*picture, text, ""]
    lines += ["## In use", "", "```"]
    lines += [f"compare-gan evaluate --model_dir=runs/mine --metrics={','.join(names)}", "```", ""]
    if code := example(names):
        printed = outputs(f"metrics/{name}.md", code).rstrip()
        lines += ["```python", code, "```", "", "prints", "", "```text", printed, "```", ""]
    found = parts.registered_in(module)
    bound = [line for selector in found for line in parts.bindings(selector)]
    if bound:
        lines += ["The settings in a config, with their defaults:", "", "```gin", *bound, "```", ""]
    lines += ["## What it measures", ""]
    lines += pieces.directive(module, [parts.plain(part).__name__ for part in found.values()])
    return "\n".join(lines)


def _metric_row(metric) -> str:
    direction = {True: "higher", False: "lower", None: "-"}
    scores = ", ".join(f"`{one}`" for one in metric.scores)
    better = ", ".join(direction[one] for one in metric.scores.values())
    sides = (", ".join(metric.needs[side]) or "-" for side in ("real", "fake"))
    return f"| `{metric.name}` | {scores} | {better} | {' | '.join(sides)} |"


_FEATURES = """\
import numpy as np

from compare_gan_tf import metrics

rng = np.random.default_rng(0)
real = rng.normal(0.0, 1.0, [2_000, 8])  # features of 2,000 real samples
fake = rng.normal(0.3, 1.0, [2_000, 8])  # the mean of each is off by 0.3
scores = metrics.evaluate(real, fake, metrics={names})
for name, value in scores.values().items():
    print(f"{{name}} {{value:.3f}}")"""

_IMAGES = """\
import numpy as np

from compare_gan_tf import data, metrics

digits = data.load("digits").splits
real, fake = digits["train"].images[:500], digits["train"].images[500:1_000]
fake = np.clip(fake + np.random.default_rng(0).integers(-30, 31, fake.shape), 0, 255)
scores = metrics.evaluate(real, fake.astype("uint8"), metrics={names})
for name, value in scores.values().items():
    print(f"{{name}} {{value:.3f}}")"""

# Metrics of features or images that such samples do not suit, or that take minutes.
_WITHOUT = {"fid_infinity", "bigram_divergence", "gaussian_modes", "feature_critic", "held_out_gap"}
_WITHOUT |= {"independent_critic", "stacked_modes", "polygon_precision", "intra_class_fid"}
_WITHOUT |= {"feature_likelihood"}


def example(names: list[str]) -> str | None:
    """Code that computes the metrics of a page on arrays; None if arrays do not do."""
    for template, field in ((_FEATURES, "features"), (_IMAGES, "images")):
        chosen = [name for name in names if name not in _WITHOUT and _takes_only(name, field)]
        if chosen:
            return template.format(names=str(chosen).replace("'", '"'))
    return None


def _takes_only(name: str, field: str) -> bool:
    needs = registry.find(name).needs
    return {one for side in needs.values() for one in side} == {field}


def index() -> str:
    """The page that lists all metrics."""
    lines = [
        "# Metrics", "", pieces.WARNING, "",
        "[Evaluation](../evaluation.md) says how sides are given, which protocol a score has and",
        "when it misleads. Your own: [a metric](../how_to/metric.md).", "",
        "| metric | what it is |", "|---|---|",
    ]  # fmt: skip
    for page, names in modules().items():
        for name in names:
            text = pieces.cell(parts.first_line(registry.find(name)))
            lines.append(f"| [`{name}`]({page}.md) | {text} |")
    return "\n".join(lines)

"""Looks up everything that a study's runs bind, in a process of its own: it imports TensorFlow.

    python -m compare_gan_tf.study.check < QUESTION

The question is {"base": text, "bindings": [list for each run that is tried], "metric": name,
"splits": names, "allow_imports": names}, the answer {"higher_is_better": of every metric} or
{"error": one line}.
"""

import json
import subprocess
import sys
import tempfile
from typing import Any

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import Plan, Span
from compare_gan_tf.study.reading import Texts


def check(
    plan: Plan, texts: Texts, all_cells: list[Cell], allow_imports: tuple[str, ...] = ()
) -> dict[str, bool | None]:
    """Has gin read what the runs of a study bind.

    Args:
      plan, texts: from `reading.read`.
      all_cells: of it.
      allow_imports: modules that the configs may import.

    Returns:
      {metric: whether higher is better}; None: neither.

    Raises:
      UserError: gin rejects a binding, the metric is unknown or has no better direction; names it.
    """
    tried = [list(plan.bindings) + one for cell in all_cells for one in _examples(cell)]
    question = {"base": texts.base, "bindings": tried, "metric": plan.metric}
    selecting = [plan.select_on] if plan.checkpoint == "best" else []
    question["splits"] = [*selecting, plan.report_on]
    question["allow_imports"] = list(allow_imports)
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"the study cannot be checked: {last}") from None
    if "error" in answer:
        raise UserError(answer["error"])
    return answer["higher_is_better"]


def _examples(cell: Cell) -> list[list[str]]:
    """Bindings of a few trials, in which every choice and an end of every range occurs."""
    first = {
        name: setting.low if isinstance(setting, Span) else next(iter(setting))
        for name, setting in cell.settings.items()
    }
    found = [cell.bindings_of(first)]
    for name, setting in cell.settings.items():
        others = [setting.high] if isinstance(setting, Span) else list(setting)[1:]
        found += [cell.bindings_of(first | {name: one}) for one in others]
    return found


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    from compare_gan_tf import config
    from compare_gan_tf.config import configurables, gin_imports
    from compare_gan_tf.metrics import registry

    gin_imports.allow(question["allow_imports"])
    configurables.load()
    higher, metric = registry.directions(), question["metric"]
    if higher.get(metric) is None:
        from compare_gan_tf.config.gin_errors import did_you_mean

        known = [name for name, one in higher.items() if one is not None]
        hint = did_you_mean(metric, known) or f"; there are {', '.join(sorted(known))}"
        return {
            "error": f"study.metric is {metric!r}: it must be a score with a better direction{hint}"
        }
    with tempfile.NamedTemporaryFile("w", suffix=".gin") as base:
        base.write(question["base"])
        base.flush()
        try:
            for bindings in question["bindings"]:
                config.parse([base.name], bindings)
                _check_scored(question["metric"], question["splits"])
        except UserError as error:
            return {"error": first_line(error).replace(base.name, "study.base")}
    return {"higher_is_better": higher}


def _check_scored(metric: str, splits: list[str]) -> None:
    """Refuses runs whose evaluation, as it is bound, leaves out what the study needs."""
    from compare_gan_tf import config
    from compare_gan_tf.metrics import presets

    preset = presets.find(config.bound("evaluate", "preset"))
    scored = presets.metrics_of(config.bound("evaluate", "metrics"), preset)
    scores = {name for one in scored for name in one.scores}
    if metric not in scores:
        raise UserError(
            f"study.metric is {metric!r}, and the runs score {', '.join(sorted(scores))}: bind"
            f" it in study.bindings, as evaluate.metrics = '{metric}', or choose another"
        )
    there = config.bound("evaluate", "splits")
    for split in splits if there is not None else ():
        if split not in there:
            raise UserError(
                f"the study needs scores on the split {split!r}, and the runs have evaluate.splits"
                f" = {there!r}: bind that in study.bindings, or choose others"
            )


if __name__ == "__main__":
    try:
        print(json.dumps(_answer(json.load(sys.stdin))))
    except UserError as error:
        print(json.dumps({"error": first_line(error)}))

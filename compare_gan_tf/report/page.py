"""Gathers what a run left behind and renders it as one self-contained HTML page."""

import math
import os

import tensorflow as tf

from compare_gan_tf.data import as_dataset
from compare_gan_tf.errors import UserError, unwritable
from compare_gan_tf.metrics import floor_notes
from compare_gan_tf.report import contents, curves, html, samples, theme
from compare_gan_tf.runs import checkpoints, collapse, logs, results, rollbacks
from compare_gan_tf.storage import files

_MARK = '<h2 id="samples">'  # that every page of ours has


def write_report(model_dir: str, gan, dataset, step: int | None = None) -> str:
    """Writes `<model_dir>/report/index.html`, and the sample grid beside it as `samples.png`.

    The page holds everything it shows: no other file and no network is needed to read it. What the
    run has not got (yet) is said in words.

    Args:
      model_dir: folder of the run.
      gan: the built GAN of the run.
      dataset: what the run was trained on; what `train` takes will do.
      step: whose checkpoint is loaded into `gan` and shown. None for what `gan` holds.

    Returns:
      The path of index.html.

    Raises:
      UserError: the checkpoint cannot be read, or the page not be written.
    """
    dataset = as_dataset(dataset)
    if step is not None:
        checkpoints.restore_players(gan, model_dir, step)
    folder = os.path.join(model_dir, "report")
    pictures = _pictures(gan, dataset)
    text = html.render("page.html.jinja", _page(model_dir, gan, dataset) | {"pictures": pictures})
    path, grid = (os.path.join(folder, name) for name in ("index.html", "samples.png"))
    try:
        files.refuse_link(folder)
        _refuse_others(path, grid)
        tf.io.gfile.makedirs(folder)
        files.write_text(path, text)
        files.write_bytes(grid, pictures["fake"]["light"])
    except (OSError, tf.errors.OpError) as error:
        raise UserError(unwritable(f"cannot write {path}", error)) from error
    return path


def _refuse_others(path: str, grid: str) -> None:
    """Refuses to write over files of these names that are not a report's."""
    text = contents.read_text(path)
    other = path if text is not None and _MARK not in text else None
    if text is None and tf.io.gfile.exists(grid):
        other = grid  # which a report writes after its page
    if other:
        raise UserError(f"{other} is there and is no report of ours: move it to another place")


def _page(model_dir: str, gan, dataset) -> dict:
    log = logs.read(model_dir)
    scores = contents.read_scores(model_dir)
    chosen = contents.best_score(model_dir, scores)
    starts = [
        {name: value for name, value in start.items() if name != "config"}  # it is shown by itself
        for start in contents.read_manifest(model_dir)
    ]
    floors = contents.read_floors(model_dir)
    ends = contents.best_and_last(scores, chosen, floors)
    compared = [end[which] for end in ends for which in ("best", "last") if end[which]]
    shown = [*scores, *(end["floor"] for end in ends if end["floor"])]
    losses, metrics = _loss_diagrams(log), _score_diagrams(scores, chosen, floors)
    return {
        "run": os.path.basename(os.path.normpath(model_dir)),
        "step": gan.current_step,
        "ema": gan.uses_ema,
        "summary": _summary(scores, chosen, floors),
        "facts": _score_facts(scores, chosen, floors) | _facts(gan, dataset, log, starts),
        "losses": losses,
        "metrics": metrics,
        "data": html.data({one["name"]: one["figure"] for one in [*metrics, *losses]}),
        "scores": scores,
        "best": chosen,
        "ends": ends,
        "floor_notes": floor_notes.notes(compared, floors),
        "warnings": contents.warnings(shown),
        "events": [*rollbacks.sentences(model_dir), *_signs_of_collapse(model_dir)],
        "protocols": contents.protocols(scores),
        "config": contents.read_config(model_dir),
        "starts": [contents.flat(start) for start in starts],
    }


def _signs_of_collapse(model_dir: str) -> list[str]:
    found = collapse.alarms(collapse.read(model_dir)).values()
    return [f"{text[0].upper()}{text[1:]}." for text in found]


def _summary(scores, chosen, floors) -> str | None:
    """The score of the best checkpoint, and that of real samples, in a sentence."""
    if chosen is None:
        return None
    row = contents.reported(scores, chosen) or chosen
    said = (
        f"{html.metric_title(row['metric'])} {_in_text(row)} on the {row['split']} split at step "
        f"{row['step']:,}, the best of {_steps(scores, chosen)} on validation"
    )
    floor = results.floor_of(row, floors)
    known = floor is not None and floor["value"] is not None
    return f"{said}; real samples score {_in_text(floor)}." if known else f"{said}."


def _in_text(row) -> str:
    interval = row["interval"]
    bounds = f" [{', '.join(map(html.number, interval))}]" if interval else ""
    return f"{html.number(row['value'])}{bounds}"


def _steps(scores, chosen) -> str:
    keys = ("metric", "split", "protocol_id")
    steps = {row["step"] for row in scores if all(row[key] == chosen[key] for key in keys)}
    return "one checkpoint" if len(steps) == 1 else f"{len(steps)} checkpoints"


def _score_facts(scores, chosen, floors) -> dict:
    """The best checkpoint's score on validation and on test, and what real samples score."""
    if chosen is None:
        return {}
    title, tested = html.metric_title(chosen["metric"]), contents.reported(scores, chosen)
    if len({row["protocol"].get("dataset") for row in scores}) > 1:  # each fact is of one of them
        title = f"{title} on {chosen['protocol'].get('dataset') or 'unnamed data'}"
    found = {"Best step": f"{chosen['step']:,}", f"{title}, validation": chosen}
    if tested is not None:
        others = contents.other_fields(tested, chosen)
        under = f" (another {', '.join(others)})" if others else ""
        found[f"{title}, test{under}"] = tested
        if (floor := results.floor_of(tested, floors)) is not None:
            found[f"{title}, test{under}, of real samples"] = floor
    return found


def _facts(gan, dataset, log, starts) -> dict[str, str]:
    train = dataset.splits["train"]
    shape = " × ".join(map(str, dataset.sample_shape))
    seconds = logs.training_seconds(log)
    facts = {
        "Trained": f"{int(log[-1]['step']):,} steps" if log else None,
        "Shown": f"step {gan.current_step:,}",
        "Data set": f"{dataset.name}, {len(train.images):,} of shape {shape}",
        "Labels": f"{gan.num_classes} classes" if gan.num_classes else "not used",
        "Seed": str(starts[-1]["seed"]) if starts and "seed" in starts[-1] else None,
        "Training time": html.duration(seconds) if seconds else None,
        "Generator": f"{_size(gan.sampling_generator)}{', averaged' if gan.uses_ema else ''}",
        "Discriminator": _size(gan.discriminator),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _size(model) -> str:
    return f"{model.count_params():,} parameters"


def _pictures(gan, dataset) -> dict:
    """{"fake" and "real": {theme: PNG}}, and how they are laid out."""
    split = dataset.splits["train"]
    if dataset.is_images:
        cells = samples.layout(gan.num_classes)
        fake = samples.grid_png(samples.fakes(gan, cells), cells)
        real = samples.grid_png(samples.reals(split, cells), cells)
        pictures = {"fake": {"light": fake}, "real": {"light": real}}
        names = samples.column_names(dataset.class_names, cells)
        return pictures | {
            "images": True, "cells": cells, "classes": gan.num_classes, "names": names
        }  # fmt: skip
    if dataset.vocabulary:
        pairs = {k: samples.text_pngs(gan, dataset, one) for k, one in theme.THEMES.items()}
        amount = f"{samples.LINES} lines"
    else:
        pairs = {k: samples.point_pngs(gan, split, one) for k, one in theme.THEMES.items()}
        amount = f"{samples.POINTS} points"
    fake, real = ({name: pair[i] for name, pair in pairs.items()} for i in (0, 1))
    return {"fake": fake, "real": real, "images": False, "amount": amount, "names": ()}


def _loss_diagrams(log) -> list[dict]:
    """Diagrams of the players' losses, and of their terms and their scales where there are any."""
    series = contents.loss_series(log)
    totals = {name: s for name, s in series.items() if name.endswith("/loss")}
    scales = {name: s for name, s in series.items() if name.endswith("/loss_scale")}
    terms = {name: s for name, s in series.items() if name not in (*totals, *scales)}
    kinds = [
        ("Loss of each player", totals, "loss"),
        ("Terms of the losses", terms, "loss"),
        ("Scale of each player's loss", scales, "factor"),
    ]
    return [_diagram(title, chosen, label) for title, chosen, label in kinds if chosen]


def _score_diagrams(scores, chosen, floors=()) -> list[dict]:
    """A diagram for each metric that has values at several steps; one alone is in the tables."""
    diagrams, levels = [], contents.floor_levels(scores, floors)
    for metric, series in contents.score_series(scores).items():
        mark = None
        if chosen and chosen["metric"] == metric:
            mark = (chosen["step"], chosen["value"], f"best: step {chosen['step']:,}")
        series = {name: one for name, one in series.items() if any(map(math.isfinite, one[1]))}
        pairs = (zip(*one, strict=True) for one in series.values())
        if len({step for pair in pairs for step, value in pair if math.isfinite(value)}) > 1:
            title, of_reals = html.metric_title(metric), levels.get(metric, {})
            diagrams.append(_diagram(f"{title} by step", series, title, mark, of_reals))
    return diagrams


def _diagram(title, series, y_label, mark=None, levels=None) -> dict:
    """A figure, its title, and what it shows in words."""
    figure = curves.lines(series, title=title, y_label=y_label, mark=mark, levels=levels)
    words = f"{title}. {_in_words(series, levels or {})}"
    return {"name": title, "title": title, "figure": figure, "words": words}


def _in_words(series, levels) -> str:
    """What a diagram shows, for those who do not see it."""
    sentences = []
    for name, (steps, values) in series.items():
        known = [(s, v) for s, v in zip(steps, values, strict=True) if math.isfinite(v)]
        if not known:
            sentences.append(f"{name}: no values.")
            continue
        (first, start), (last, end) = known[0], known[-1]
        ends = f"{html.number(start)} at step {first}, {html.number(end)} at {last}"
        sentences.append(f"{name}: {ends}.")
    sentences += [f"{name}, real samples: {html.number(level)}." for name, level in levels.items()]
    return " ".join(sentences)

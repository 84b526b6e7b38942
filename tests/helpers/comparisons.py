"""A comparison that was never trained: its scores follow known laws, and depend on a seed."""

import itertools

import numpy as np

from compare_gan_tf.comparison import records

LOSSES = {"non_saturating": 1.15, "wasserstein": 1.35, "hinge": 1.0}  # times the score
NORMS = {"none": 1.6, "batch_norm": 1.25, "layer_norm": 1.1, "spectral": 1.0}
TASKS = {"digits": 12.0, "fashion_mnist": 30.0, "cifar10": 45.0}  # of the best variant
RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3)
STEPS = tuple(range(500, 5001, 500))
SPREAD = 0.06  # of the log of a score among seeds
_PROTOCOL = {
    "dataset": "digits", "extractor": "digits-cnn", "extractor_sha256": "ab" * 32,
    "real_split": "test", "n_real": 360, "n_fake": 360, "resize": None, "ema": True, "seed": 42,
}  # fmt: skip


def comparison(
    losses=tuple(LOSSES),
    norms=tuple(NORMS),
    seeds=5,
    settings=5,
    tasks=("digits",),
    failed=0.04,
    prefix="",
    random=0,
) -> records.Comparison:
    """`losses` x `norms` x `settings` x `seeds` runs of each task.

    The law of FID: task x loss x norm x setting x exp(SPREAD x Gaussian); `prefix` is put before
    each run's name; a share `failed` of the runs, at random, has no score.
    """
    draw = np.random.default_rng(random)
    grid = itertools.product(tasks, losses, norms, range(settings), range(seeds))
    runs = [_run(draw, *one, failed=failed, prefix=prefix) for one in grid]
    return records.Comparison(
        title="Losses and norms on digits",
        metric="fid",
        higher_is_better={"fid": False, "precision": True, "recall": True, "ms_ssim": None},
        axes={"loss": list(losses), "norm": list(norms)},
        runs=runs,
        provenance={
            "config": "study.axes = ['loss', 'norm']",
            "search": "grid",
            "version": "0.1.0",
        },
    )


def _run(draw, task, loss, norm, setting, seed, *, failed, prefix):
    rate = RATES[setting % len(RATES)]
    law = TASKS[task] * LOSSES[loss] * NORMS[norm] * (1.0 + 0.25 * (setting % 5))
    level = law * np.exp(SPREAD * draw.standard_normal())
    steps = STEPS[-1]
    broken = draw.random() < failed
    multiply_adds = 3.2e6 * steps * 64 * (1.1 if norm == "spectral" else 1.0)
    return records.Run(
        name=f"{prefix}{task}/{loss}-{norm}/rate{setting}/seed{seed}",
        variant={"loss": loss, "norm": norm},
        setting={"adam.learning_rate": rate, "GAN.d_steps": 1 + setting % 2},
        seed=seed,
        task=task,
        status=records.FAILED if broken else records.COMPLETE,
        reason="the discriminator's loss is not finite at step 731" if broken else None,
        scores={} if broken else _scores(draw, level, task),
        steps=731 if broken else steps,
        images=64 * steps * (1 + setting % 2),
        seconds=float(60.0 + 20.0 * draw.random()),
        multiply_adds=multiply_adds,
        folder=f"/runs/{task}/{loss}-{norm}/{setting}/{seed}",
    )


def _scores(draw, level, task):
    """FID falls from 200 to `level`, then rises a little; recall falls as precision rises."""
    fall = [200.0 * (level / 200.0) ** min(1.0, step / 3500) for step in STEPS]
    rise = [value * (1.0 + 0.03 * max(0, i - 6)) for i, value in enumerate(fall)]
    noise = np.exp(0.02 * draw.standard_normal((2, len(STEPS))))
    selected, reported = (np.array(rise) * one for one in noise)
    precision = float(np.clip(0.9 - level / 200 + 0.03 * draw.standard_normal(), 0, 1))
    recall = float(np.clip(0.4 + level / 300 + 0.03 * draw.standard_normal(), 0, 1))
    found = {"fid": _scored(STEPS, selected, reported, False, task, floor=1.5)}
    for name, value in (("precision", precision), ("recall", recall)):
        values = value * np.linspace(0.6, 1.0, len(STEPS))
        found[name] = _scored(STEPS, values, values, True, task, floor=0.95)
    return found


def _scored(steps, selected, reported, higher, task, floor):
    chosen = int(np.argmax(selected) if higher else np.argmin(selected))
    best, last = float(reported[chosen]), float(reported[-1])
    return records.Scored(
        curve=[(step, float(value)) for step, value in zip(steps, selected, strict=True)],
        best_step=steps[chosen],
        best=best,
        best_interval=[0.95 * best, 1.05 * best],
        last=last,
        last_interval=[0.95 * last, 1.05 * last],
        floor=floor,
        protocol=_PROTOCOL | {"dataset": task},
        protocol_id=f"{task}-test360",
        warnings=["360 fakes: fid needs 10,000 for a small bias"] if floor == 1.5 else [],
    )


def scored(selected, reported, last=None, higher=False, step=100) -> records.Scored:
    """A score at one checkpoint: what selected it, and what is reported; None: failed."""
    return records.Scored(
        curve=[(step, selected)], best_step=step, best=reported, best_interval=None,
        last=reported if last is None else last, last_interval=None, floor=None,
        protocol={"real_split": "test"}, protocol_id="p", warnings=[],
    )  # fmt: skip


def run(variant, reported, seed=0, *, selected=None, task="digits", setting=None, **changes):
    """One run of a variant {axis: value} or of {"loss": variant}; a score of None: it failed."""
    variant = variant if isinstance(variant, dict) else {"loss": variant}
    text = "-".join([*variant.values(), *map(str, (setting or {}).values())])
    selected = reported if selected is None else selected
    failed = reported is None
    fields = {
        "name": f"{task}/{text}/{seed}", "variant": variant, "setting": setting or {}, "seed": seed,
        "task": task, "status": records.FAILED if failed else records.COMPLETE,
        "reason": "it diverged" if failed else None,
        "scores": {} if failed else {"fid": scored(selected, reported)},
        "steps": 100, "images": 6400, "seconds": 2.0, "multiply_adds": 1e9, "folder": None,
    }  # fmt: skip
    return records.Run(**fields | changes)


def of_runs(runs, higher=False, **changes) -> records.Comparison:
    """A comparison of these runs, by FID."""
    axes: dict[str, list[str]] = {}
    for one in runs:
        for axis, value in one.variant.items():
            values = axes.setdefault(axis, [])
            values += [value] * (value not in values)
    fields = {
        "title": "A few runs", "metric": "fid", "higher_is_better": {"fid": higher}, "axes": axes,
        "runs": runs, "provenance": {},
    }  # fmt: skip
    return records.Comparison(**fields | changes)


def seeds(variant, values, **changes) -> list[records.Run]:
    """A run for each value, with seeds 0 and on."""
    return [run(variant, value, seed, **changes) for seed, value in enumerate(values)]

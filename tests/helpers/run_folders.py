"""Folders of runs that were never trained: a config, a log and scores, as training leaves them."""

import json

SHA = "03ae9a2589f1c84edd6ef9516e460937765f795cac59e55ec5d6aa7ef224857c"
CONFIG = {
    "Adversarial.loss": "@hinge",
    "GAN.d_steps": "1",
    "GAN.g_steps": "1",
    "GAN.objectives": "[@Adversarial()]",
    "load.name": "'digits'",
    "train.batch_size": "64",
    "train.seed": "0",
    "train.training_steps": "400",
}


def protocol(metric: str, split: str, **changed) -> dict:
    """Of a score, as `metrics.protocol` makes it."""
    fields = {
        "metric": metric, "settings": {}, "extractor": "digits-cnn", "weights_sha256": SHA,
        "resize": "none", "scaling": "x/255", "quantisation": "uint8", "dataset": "digits",
        "real_split": split, "real_sha256": None, "n_real": 300, "n_fake": 300, "ema": True,
        "normalisation": "moving", "truncation": 0.0, "labels": f"real mix {split}", "seed": 42,
        "checkpoint_rule": "each",
    }  # fmt: skip
    return fields | changed


def row(step: int, metric: str, split: str, value: float | None, **changed) -> dict:
    """A line of scores.jsonl; None is a failed score."""
    fields = protocol(metric, split, **changed)
    return {
        "run": "run", "step": step, "checkpoint": f"{step:016x}", "split": split, "metric": metric,
        "value": value, "reason": None if value is not None else "the samples are not finite",
        "interval": None if value is None else [value - 1.0, value + 1.0], "protocol": fields,
        "protocol_id": f"{metric}-{split}-{abs(hash(json.dumps(fields))) % 10**8}",
        "seconds": 0.1, "time": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def write(folder, scores: dict[str, list[float | None]], *, config=None, protocol=None):
    """Writes a run with a checkpoint each 100 steps.

    Args:
      folder: is made.
      scores: {"metric split": values at steps 100, 200, ...}.
      config: {binding: text} over CONFIG; None takes one away.
      protocol: fields that differ.
    """
    folder.mkdir(parents=True)
    bound = {name: text for name, text in (CONFIG | (config or {})).items() if text is not None}
    (folder / "config.gin").write_text("".join(f"{k} = {v}\n" for k, v in bound.items()))
    rows = [
        row(100 * (i + 1), *key.split(), value, **(protocol or {}))
        for key, values in scores.items()
        for i, value in enumerate(values)
    ]
    (folder / "scores.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (folder / "logs").mkdir()
    log = [{"step": 100 * i, "seconds": 2.0 * i} for i in (1, 2, 3, 4)]
    (folder / "logs" / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in log))
    starts = [{"seed": 0, "multiply_adds": {"generator": 1000, "discriminator": 2000}}]
    (folder / "manifest.json").write_text(json.dumps({"starts": starts}))
    return str(folder)

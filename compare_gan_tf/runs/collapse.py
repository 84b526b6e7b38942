"""`logs/collapse.jsonl`: signs, along a training, that G's samples are alike or that D has won.

A row has a "step", and of 64 samples beside 64 reals

  spread      the standard deviation of a pixel over the samples, mean over pixels, as a multiple of
              that of the reals: 0 where all samples are the same;
  duplicates  the share of samples that have another one nearer to them than a fiftieth of the
              median distance between two reals;
  d_auc       the probability that D's logit of a real is above that of a fake: 1 where D tells all
              apart, 0.5 where it tells nothing; None for GANs whose D sees symbols.
"""

import json
import os

import numpy as np
import tensorflow as tf

from compare_gan_tf.runs import results
from compare_gan_tf.runs.logs import LOGS, rows_until
from compare_gan_tf.storage import files

_LEAST_SPREAD, _MOST_DUPLICATES, _D_WINS = 0.1, 0.5, 0.999
_NEAR = 0.02  # of the median distance between two reals
_LOOKS = 2  # one after the other, for an alarm


def path(model_dir: str) -> str:
    """Path of the rows."""
    return os.path.join(model_dir, LOGS, "collapse.jsonl")


def likeness(fakes: np.ndarray, reals: np.ndarray) -> dict[str, float]:
    """{"spread", "duplicates"} of uint8 images [n, ...] and as many reals."""
    fakes, reals = (one.reshape(len(one), -1).astype(np.float64) for one in (fakes, reals))
    spread = fakes.std(0).mean() / max(reals.std(0).mean(), 1e-6)
    among = _distances(reals)[~np.eye(len(reals), dtype=bool)]
    nearest = (_distances(fakes) + np.diag(np.full(len(fakes), np.inf))).min(1)
    near = nearest < _NEAR * np.median(among)
    return {"spread": float(spread), "duplicates": float(near.mean())}


def _distances(rows: np.ndarray) -> np.ndarray:
    products = rows @ rows.T
    squares = np.diag(products)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * products, 0.0))


def d_auc(of_real: np.ndarray, of_fake: np.ndarray) -> float:
    """The share of pairs in which the logit of the real is higher; ties are halves."""
    difference = of_real[:, None] - of_fake[None]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def add(model_dir: str, row: dict) -> None:
    """Appends a row."""
    with tf.io.gfile.GFile(path(model_dir), "a") as log:
        log.write(json.dumps(row) + "\n")


def cut_back(model_dir: str, step: int) -> None:
    """Removes the rows after `step`, as `logs.cut_back` does with those of the losses."""
    if tf.io.gfile.exists(path(model_dir)):
        files.write_text(path(model_dir), "".join(rows_until(path(model_dir), step)))


def read(model_dir: str) -> list[dict]:
    """The complete rows, by step."""
    rows = {}
    for line in results.lines(path(model_dir)) if tf.io.gfile.exists(path(model_dir)) else ():
        try:
            row = json.loads(line)
            auc = None if row["d_auc"] is None else float(row["d_auc"])
            found = {key: float(row[key]) for key in ("spread", "duplicates")} | {"d_auc": auc}
            rows[int(row["step"])] = {"step": int(row["step"])} | found
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return [rows[step] for step in sorted(rows)]


def alarms(rows: list[dict]) -> dict[str, str]:
    """{sign: sentence} of those that the last two rows show, {} for none."""
    last = rows[-_LOOKS:]
    if len(last) < _LOOKS:
        return {}
    found, row = {}, last[-1]
    since = f"at steps {' and '.join(format(one['step'], ',') for one in last)}"
    if all(one["spread"] < _LEAST_SPREAD for one in last):
        found["spread"] = (
            f"{since} samples differ {row['spread']:.0%} as much as real images do: G has collapsed"
        )
    if all(one["duplicates"] > _MOST_DUPLICATES for one in last):
        found["duplicates"] = (
            f"{since} {row['duplicates']:.0%} of the samples have a twin: G makes few images"
        )
    if all(one["d_auc"] is not None and one["d_auc"] > _D_WINS for one in last):
        found["d_auc"] = (
            f"{since} D tells every fake from every real: if the samples get no better, D is too"
            " strong"
        )
    return found

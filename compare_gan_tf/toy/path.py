"""The course of a run in the plane: fit, D's logits and divergences at each checkpoint."""

import dataclasses
import json

import numpy as np
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives import f_divergences
from compare_gan_tf.objectives.likelihood import layers_with_density
from compare_gan_tf.runs import checkpoints, logs
from compare_gan_tf.storage import files
from compare_gan_tf.toy import quadrature

FIELD_HALF, FIELD_NODES = 4.0, 60
_SAMPLES = 400
_SEED = (0, 2017)
EXACT = {
    "KL(p || q)": f_divergences.kl(),
    "KL(q || p)": f_divergences.reverse_kl(),
    "2 JSD": f_divergences.jensen_shannon(),
}


@dataclasses.dataclass(frozen=True)
class Frame:
    """The state at one checkpoint; p is the data's distribution and q that of G.

    Attributes:
      step: training step of the checkpoint.
      samples: of G, [n, 2].
      mean: of q, [2]; exact if its density is known, else the mean of many samples.
      covariance: of q, [2, 2].
      field: D's logits on a square, [nodes, nodes]; the first axis is y, upwards.
      exact: {name: divergence in nats}; empty if the density of p or q is not known.
    """

    step: int
    samples: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    field: np.ndarray
    exact: dict[str, float]


def require_plane(dataset) -> None:
    """Refuses data that are not points in the plane.

    Raises:
      UserError: the samples have another shape than (2,).
    """
    if dataset.sample_shape != (2,):
        raise UserError(
            f"the playground is for points in the plane; {dataset.name} has samples of shape "
            f"{dataset.sample_shape}: take a data set such as gaussian_mixture"
        )


def frames(model_dir: str, gan, dataset, *, last: int | None = None) -> list[Frame]:
    """A frame for each checkpoint of a run, by step.

    Args:
      model_dir: the run's folder.
      gan: the GAN of the run; afterwards it has the players of the last checkpoint.
      dataset: the data of the run.
      last: number of checkpoints, counted from the end; None for all.

    Raises:
      UserError: there are no checkpoints.
    """
    steps = checkpoints.list_steps(model_dir)[-last if last else 0 :]
    if not steps:
        raise UserError(f"no checkpoints in {model_dir}: train first")
    square = quadrature.square()
    density = dataset.density
    log_p = None if density is None else density.log_prob(square)
    found = []
    for step in steps:
        checkpoints.restore_players(gan, model_dir, step)
        found.append(_frame(gan, step, square, log_p))
    return found


def _frame(gan, step: int, square: np.ndarray, log_p) -> Frame:
    samples = gan.sample(_SAMPLES, _SEED).numpy()
    known = layers_with_density(gan.sampling_generator)
    exact = {}
    if not known:
        many = gan.sample(20_000, _SEED).numpy().astype(np.float64)
        mean, covariance = many.mean(0), np.cov(many.T)
    else:
        mean, covariance = (np.float64(x) for x in (known[0].mean, known[0].covariance()))
        if log_p is not None:
            log_q = quadrature.gaussian_log_density(square, mean, covariance)
            exact = {k: quadrature.divergence(v, log_p, log_q) for k, v in EXACT.items()}
    points = quadrature.square(FIELD_HALF, FIELD_NODES).astype(np.float32)
    field = gan.discriminator({"images": tf.constant(points)}, training=False)["logits"]
    field = field.numpy().reshape(FIELD_NODES, FIELD_NODES)
    return Frame(step, samples, mean, covariance, field, exact)


def learned(model_dir: str) -> dict[str, tuple[list[int], list[float]]]:
    """D's estimates of f-divergences in the logs: {objective: (steps, minus D's loss)}.

    These are the objectives with a term "real" and a term "fake". Without logs there are none.
    """
    text = files.read_text(logs.log_path(model_dir)) or ""
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    prefix, suffix = "discriminator/", "/real"
    names = {key[len(prefix) : -len(suffix)] for row in rows for key in row if key.endswith(suffix)}
    found = {}
    for name in sorted(names):
        keys = [f"{prefix}{name}/{side}" for side in ("real", "fake")]
        kept = [row for row in rows if all(key in row for key in keys)]
        values = [-sum(row[key] for key in keys) for row in kept]
        found[name] = [row["step"] for row in kept], values
    return found

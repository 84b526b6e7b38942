"""Rows of samples: interpolations, one sample under truncations, and beside its nearest reals."""

import dataclasses
import math

import numpy as np

from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.sampling.sources import Source

_ON_A_SPHERE = ("normal", "hypersphere")  # priors whose mass lies near a sphere


def interpolated(source: Source, steps: int) -> Source:
    """A source of rows of `steps` samples, from one sample to another one of the same class.

    Row r begins at sample 2 r of `source` and ends at sample 2 r + 1 of the same block. Normal
    latents are interpolated on the sphere (White, 2016, Sampling generative networks), others on a
    line.

    Raises:
      UserError: the source gives no access to its latents.
    """
    draws = _draws(source, "--interpolate")
    rows = max(1, source.block // steps)
    shares = np.linspace(0.0, 1.0, steps)

    def make(number, seed, truncation, labels):
        ends = None if labels is None else np.repeat(labels[::steps], 2)
        drawn = draws.draw_inputs(2 * rows, seed, truncation, ends)
        drawn = {name: np.asarray(values) for name, values in drawn.items()}
        z = np.concatenate([
            between(draws.latents, drawn["z"][2 * row], drawn["z"][2 * row + 1], shares)
            for row in range(rows)
        ])  # fmt: skip
        rest = {name: np.repeat(values[::2], steps, axis=0) for name, values in drawn.items()}
        return _samples(source, draws, rest | {"z": z})

    return dataclasses.replace(source, make=make, whole=rows * steps, repeats=steps)


def truncated(source: Source, truncations: tuple[float, ...]) -> Source:
    """A source that repeats a sample under each of several truncations, 0 for none."""
    count = len(truncations)
    each = max(1, source.block // count)

    def make(number, seed, truncation, labels):
        own = None if labels is None else labels[::count]
        made = [source.make(each, seed, float(limit), own) for limit in truncations]
        return np.stack(made, axis=1).reshape(each * count, *made[0].shape[1:])

    return dataclasses.replace(source, make=make, whole=each * count, repeats=count)


def beside_nearest(source: Source, nearest, number: int) -> Source:
    """A source of rows: a sample, and the `number` real samples that are nearest to it.

    Args:
      source: of images.
      nearest: a function (images [n, H, W, C], number) -> reals [n, number, H, W, C].
      number: of reals.
    """
    width = number + 1
    each = max(1, source.block // width)

    def make(_, seed, truncation, labels):
        made = source.make(each, seed, truncation, None if labels is None else labels[::width])
        rows = np.concatenate([made[:, np.newaxis], nearest(made, number)], axis=1)
        return rows.reshape(each * width, *made.shape[1:])

    return dataclasses.replace(source, make=make, whole=each * width, repeats=width)


def between(prior, start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Latents [len(shares), dim] at shares in [0, 1] of the way from `start` to `end`."""
    kind, shares = prior.get_config()["name"], shares[:, np.newaxis].astype(np.float32)
    cosine = np.dot(start, end) / max(np.linalg.norm(start) * np.linalg.norm(end), 1e-12)
    angle = math.acos(float(np.clip(cosine, -1.0, 1.0)))
    if kind not in _ON_A_SPHERE or math.sin(angle) < 1e-6:
        return (1.0 - shares) * start + shares * end
    first, second = np.sin((1.0 - shares) * angle), np.sin(shares * angle)
    return ((first * start + second * end) / math.sin(angle)).astype(np.float32)


def looping(source: Source, stops: int, steps: int) -> Source:
    """A source of the frames of a film: from sample to sample and back to the first.

    Args:
      source: whose first samples the film visits.
      stops: their number.
      steps: frames from one sample to the next; a frame has the class of the sample before it.

    Raises:
      UserError: the source gives no access to its latents.
    """
    draws = _draws(source, "a film")
    shares = np.arange(steps) / steps

    def make(number, seed, truncation, labels):
        own = None if labels is None else labels[::steps]
        drawn = draws.draw_inputs(stops, seed, truncation, own)
        drawn = {name: np.asarray(values) for name, values in drawn.items()}
        frames = []
        for stop in range(stops):
            ends = drawn["z"][stop], drawn["z"][(stop + 1) % stops]
            rest = {name: np.repeat(v[stop : stop + 1], steps, axis=0) for name, v in drawn.items()}
            rest["z"] = between(draws.latents, *ends, shares)
            frames.append(_samples(source, draws, rest))
        return np.concatenate(frames)

    return dataclasses.replace(source, make=make, whole=stops * steps, repeats=steps)


def _draws(source: Source, what: str):
    if source.draws is None:
        raise UserError(
            f"{what} needs the latents of {source.where}: name a run by --model_dir, or an export"
            " by --model"
        )
    return source.draws


def _samples(source: Source, draws, inputs: dict) -> np.ndarray:
    made = draws.generate(inputs)
    return np.asarray(to_uint8(made) if source.kind == "images" else made)

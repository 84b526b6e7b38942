"""Ways through the latents: interpolations between samples, and one sample under truncations."""

import dataclasses
import math

import numpy as np
from PIL import Image

from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.sampling.sources import Source, Wanted

FILMS = ("gif", "webp")
_SIDE = 256  # pixels of a film, at least
_MOST_FRAMES = 2_000
_MILLISECONDS = 60  # of a frame
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


def between(prior, start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Latents [len(shares), dim] at shares in [0, 1] of the way from `start` to `end`."""
    kind, shares = prior.get_config()["name"], shares[:, np.newaxis].astype(np.float32)
    cosine = np.dot(start, end) / max(np.linalg.norm(start) * np.linalg.norm(end), 1e-12)
    angle = math.acos(float(np.clip(cosine, -1.0, 1.0)))
    if kind not in _ON_A_SPHERE or math.sin(angle) < 1e-6:
        return (1.0 - shares) * start + shares * end
    first, second = np.sin((1.0 - shares) * angle), np.sin(shares * angle)
    return ((first * start + second * end) / math.sin(angle)).astype(np.float32)


def require_film(source: Source, wanted: Wanted, steps: int) -> None:
    """Checks that a film can be made.

    Raises:
      UserError: the samples are no images, or the film would be too long.
    """
    _draws(source, "a film")
    frames = wanted.number * steps
    if source.kind != "images" or source.sample_shape[-1] not in (1, 3):
        raise UserError(f"a film is of images of 1 or 3 channels: {source.where} makes others")
    if frames > _MOST_FRAMES:
        raise UserError(
            f"--num={wanted.number} samples of {steps} frames each are {frames:,} frames: at most"
            f" {_MOST_FRAMES:,}"
        )


def film(path: str, kind: str, source: Source, wanted: Wanted, steps: int, progress) -> str:
    """Writes an animation: from sample to sample and back to the first, `steps` frames each.

    Args:
      path: file to write.
      kind: one of `FILMS`.
      source, wanted: whose first `wanted.number` samples the film visits, see `require_film`.
      steps: frames from one sample to the next.
      progress: function that is called with the number of samples visited.
    """
    draws, stops = source.draws, wanted.number
    drawn = draws.draw_inputs(stops, (0, wanted.seed), wanted.truncation, wanted.labels(0, stops))
    drawn = {name: np.asarray(values) for name, values in drawn.items()}
    shares, scale = np.arange(steps) / steps, max(1, round(_SIDE / source.sample_shape[0]))
    pictures = []
    for stop in range(stops):
        z = between(draws.latents, drawn["z"][stop], drawn["z"][(stop + 1) % stops], shares)
        rest = {name: np.repeat(v[stop : stop + 1], steps, axis=0) for name, v in drawn.items()}
        images = _samples(source, draws, rest | {"z": z}).repeat(scale, 1).repeat(scale, 2)
        pictures += [Image.fromarray(i[..., 0] if i.shape[-1] == 1 else i) for i in images]
        progress(1)
    options = {"lossless": True} if kind == "webp" else {}
    first, *others = pictures
    first.save(
        path, kind.upper(), save_all=True, append_images=others, duration=_MILLISECONDS, loop=0,
        **options,
    )  # fmt: skip
    return f"a film of {stops * steps:,} frames of {source.where}"


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

"""Sources of samples: a run, an exported module, or a model that ships with the package.

Samples are drawn in blocks of fixed size, each with its own seed; the last block is drawn in full
and then cut. So sample i depends only on the checkpoint, the seed, the truncation, the classes and
i: the first k samples do not depend on the number of samples, and any number fits into memory.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compare_gan_tf.config.gin_errors import did_you_mean
from compare_gan_tf.data.images import from_unit_interval, to_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import modules

_LARGEST_BLOCK = 64  # samples
_MOST_DIGITS = 18  # longest label that is parsed
_VALUES_PER_BLOCK = 2**22  # for example 5 colour images of 512 x 512 pixels


@dataclasses.dataclass(frozen=True)
class Source:
    """A generator from which samples are drawn.

    Attributes:
      where: description for messages, such as a checkpoint.
      make: function (number, seed int [2], truncation, labels int32 [number] or None) -> samples:
        images uint8 [n, H, W, C], points float32 [n, D], or characters int32 [n, L].
      sample_shape: (H, W, C), (D,) or (L,).
      kind: "images", "points" or "text".
      num_classes: number of classes K of a conditional generator, else None.
      class_names: names of the classes, by label, or None.
      vocabulary: the characters of text, by code, else None.
      truncates: whether its prior can be truncated.
      draws: the GAN, see `gan.drawing.Draws`; None for a module.
      whole: number of samples of a block, if it must be this one.
      repeats: samples in a row that have one class.
    """

    where: str
    make: Callable
    sample_shape: tuple[int, ...]
    kind: str
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    vocabulary: tuple[str, ...] | None = None
    truncates: bool = True
    draws: Any = None
    whole: int | None = None
    repeats: int = 1

    @property
    def block(self) -> int:
        """Number of samples per block."""
        if self.whole is not None:
            return self.whole
        fitting = _VALUES_PER_BLOCK // math.prod(self.sample_shape)
        return max(1, min(_LARGEST_BLOCK, fitting))


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A request for samples.

    Attributes:
      number: number of samples.
      seed: random seed, 0 to 2^31 - 1.
      truncation: truncation of the latents, 0 or more, see `latents`; 0 for none.
      classes: labels; sample i has label classes[i // repeats % len(classes)]. None for an
        unconditional generator.
      repeats: see `Source`.
    """

    number: int
    seed: int = 0
    truncation: float = 0.0
    classes: tuple[int, ...] | None = None
    repeats: int = 1

    def labels(self, start: int, stop: int) -> np.ndarray | None:
        """Labels int32 of the samples `start` to `stop - 1`; None without classes."""
        if self.classes is None:
            return None
        turns = np.arange(start, stop) // self.repeats
        return np.asarray(self.classes, np.int32)[turns % len(self.classes)]


def of_run(gan, dataset, where: str, drawn: Callable | None = None) -> Source:
    """A source that draws from the sampling generator of a built GAN.

    Args:
      gan: a built GAN with the weights of a checkpoint.
      dataset: the data set that it was trained on.
      where: description of the checkpoint, for messages.
      drawn: function (number, seed, labels) -> samples as the GAN's, see `gan.samplers`; None for
        the generator alone.
    """
    kind = "images" if dataset.is_images else "text" if dataset.vocabulary else "points"

    def make(number, seed, truncation, labels):
        if drawn is None:
            samples = gan.sample(number, seed, truncation, labels)
        else:
            samples = drawn(number, seed, labels)
        return np.asarray(to_uint8(samples) if kind == "images" else samples)

    parameters = inspect.signature(gan.latents.sample).parameters
    return Source(
        where,
        make,
        tuple(dataset.sample_shape),
        kind,
        num_classes=gan.num_classes,
        class_names=dataset.class_names if gan.num_classes else None,
        vocabulary=dataset.vocabulary,
        truncates="truncation" in parameters or len(parameters) > 2,
        draws=gan,
    )


def of_module(handle: str, *, trusted: bool = False) -> Source:
    """A source that draws from an exported generator.

    Args:
      handle: folder of a module, or a TF Hub handle.
      trusted: whether the caller trusts its origin, see `programs.require`.

    Raises:
      UserError: it is not trusted, cannot be loaded or sampled, or its metadata are damaged.
    """
    module = modules.Loaded(handle, trusted=trusted)
    names = module.metadata.get("class_names")
    vocabulary = (module.metadata.get("alphabet") or {}).get("vocabulary")
    is_text = module.trial.dtype.is_integer
    is_images = module.trial.shape.rank == 4 and not is_text

    def make(number, seed, truncation, labels):
        samples = module.sample(number, seed, truncation, labels)
        return np.asarray(to_uint8(from_unit_interval(samples)) if is_images else samples)

    return Source(
        f"the module {handle}",
        make,
        tuple(module.trial.shape[1:]),
        "text" if is_text else "images" if is_images else "points",
        num_classes=module.classes,
        class_names=tuple(names) if names and module.classes else None,
        vocabulary=tuple(vocabulary) if vocabulary else None,
    )


def of_pretrained(model, drawn: Callable | None = None) -> Source:
    """A source that draws from a `pretrained.Pretrained`; `drawn` is that of `of_run`."""
    card, alphabet = model.card, model.alphabet
    kind = card["kind"]

    def make(number, seed, truncation, labels):
        if drawn is None:
            samples = model.draw(number, seed, truncation, labels)
        else:
            samples = drawn(number, seed, labels)
        return np.asarray(to_uint8(samples) if kind == "images" else samples)

    names = model.class_names
    return Source(
        f"the model {card['name']}",
        make,
        tuple(card["sample_shape"]),
        kind,
        num_classes=model.num_classes,
        class_names=tuple(names) if names else None,
        vocabulary=alphabet.vocabulary if kind == "text" else None,
        draws=model,
    )


def batches(source: Source, wanted: Wanted) -> Iterator[tuple]:
    """Yields blocks (samples, labels or None), `wanted.number` samples in total.

    Raises:
      UserError: samples are not finite.
    """
    for block, start in enumerate(range(0, wanted.number, source.block)):
        labels = wanted.labels(start, start + source.block)
        made = source.make(source.block, (block, wanted.seed), wanted.truncation, labels)
        number = min(source.block, wanted.number - start)
        made = made[:number]
        if made.dtype.kind == "f" and not np.isfinite(made).all():
            raise UserError(
                f"samples of {source.where} are not finite: its training diverged; take an earlier"
                " --checkpoint"
            )
        yield made, None if labels is None else labels[:number]


def wanted(
    source: Source, number: int, seed: int = 0, truncation: float = 0.0, classes=None
) -> Wanted:
    """Makes a request for samples, and checks it against the source.

    Args:
      source: source of the samples.
      number: number of samples.
      seed, truncation: see `Wanted`.
      classes: strings, labels or names of classes; None or () for all.

    Raises:
      UserError: a class does not exist, or the prior cannot be truncated.
    """
    if truncation and not source.truncates:
        raise UserError(
            f"--truncation={truncation:g}: the prior of {source.where} cannot be truncated; leave"
            " the flag out"
        )
    if classes and source.num_classes is None:
        raise UserError(
            f"--classes={','.join(classes)}: {source.where} makes samples without labels; leave"
            " the flag out"
        )
    labels = tuple(_label(text, source) for text in classes or ())
    classes = labels or tuple(range(source.num_classes or 0)) or None
    return Wanted(number, seed, truncation, classes, source.repeats)


def _label(text: str, source: Source) -> int:
    """The label of a class given by name or number.

    Names come first, even if they are numbers: the class of a folder "2" may have another label.
    """
    names = source.class_names or ()
    for name in (text, text := text.strip()):
        if name in names:
            return names.index(name)
    if text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) < source.num_classes:
        return int(text)
    raise UserError(
        f"--classes has {text!r}: the classes of {source.where} are 0 to {source.num_classes - 1}"
        f"{', or their names' if names else ''}{did_you_mean(text, names)}"
    )

"""Sides that generate their samples.

The latents and labels of all samples are drawn before the first batch is generated, so that the
batch size does not change any sample.
"""

import copy
import dataclasses
import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.data.images import from_uint8, to_uint8
from compare_gan_tf.evaluation.label_mix import UNIFORM, LabelMix
from compare_gan_tf.evaluation.sides import (
    EXTRACTED,
    PASSED,
    Batch,
    Side,
    Wanted,
    count_not_finite,
)
from compare_gan_tf.layers.standing_statistics import standing_statistics
from compare_gan_tf.metrics.base import Collected, Rows, UndefinedScore
from compare_gan_tf.metrics.replicated import replicated

_STANDING_BATCH = 64  # batch size for standing statistics


class Generator(Side):
    """Base class of generators; subclasses implement `make`."""

    available = None
    mix = UNIFORM  # the distribution of the labels

    def __init__(self, name: str, where: str, sample_shape, *, classes: int | None, facts: dict):
        self.name, self.where, self.classes = name, where, classes
        self.sample_shape = tuple(sample_shape)
        self.is_images = len(self.sample_shape) == 3
        self.facts = facts if classes is None else facts | {"labels": self.mix.name}
        images = {"images"} if self.is_images else set()
        self.offers = EXTRACTED | images | (set() if classes is None else {"labels"})

    def labelled(self, mix: LabelMix) -> "Generator":
        """A copy of the generator whose labels follow another distribution."""
        other = copy.copy(self)
        other.mix, other.facts = mix, self.facts | {"labels": mix.name}
        return other

    def labels(self, number: int, seed: int, tag: str) -> np.ndarray | None:
        """Labels int32 [number] drawn from `mix` for a seed and a tag; None without classes."""
        if self.classes is None:
            return None
        return self.mix.draw(number, [random.key(seed, tag), 0], self.classes)

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        """Yields batches (samples, labels or None), `number` samples in total.

        Samples are images float [n, H, W, C] in [-1, 1] or points float [n, D].
        """
        raise NotImplementedError

    def batches(self, number: int, size: int, seed: int) -> Iterator[Batch]:
        """See `Side.batches`.

        Raises:
          UndefinedScore: after the last batch, if samples were not finite; it says how many.
        """
        bad = 0
        for samples, labels in self.make(number, size, seed):
            bad += count_not_finite(samples)
            if bad:
                continue
            samples = to_uint8(samples) if self.is_images else samples
            yield Batch(np.asarray(samples), labels)
        if bad:
            raise UndefinedScore(f"{bad} of {number} samples of {self.where} are not finite")


def files_hash(paths) -> str:
    """SHA-256 of the contents of several files."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Players(Generator):
    """The sampling generator of a built GAN, with the weights it has when samples are requested.

    Args:
      gan: a built GAN.
      tag: part of the seeds of latents and labels; different tags give different samples.
      where: description for messages, such as "checkpoint 100".
      name: name in the protocol.
      truncation: truncation of the latents, 0 or more; 0 for none.
      standing: number of samples for standing batch norm statistics, which are computed before the
        samples are generated; 0 to use those of training.
      checkpoint_rule: how the checkpoint was chosen, for the protocol.
      fingerprint: fingerprint of the weights, or None.
      ema_length: of the average that the sampling generator holds, if it is one of post-hoc EMA.
    """

    def __init__(
        self,
        gan,
        *,
        tag: str,
        where: str = "the generator",
        name: str = "generator",
        truncation: float = 0.0,
        standing: int = 0,
        checkpoint_rule: str = "each",
        fingerprint: str | None = None,
        ema_length: float | None = None,
    ):
        self._gan, self._tag, self._fingerprint = gan, tag, fingerprint
        self._truncation, self._standing = truncation, standing
        facts = {
            "ema": bool(gan.uses_ema) or ema_length is not None,
            "ema_length": ema_length,
            "normalisation": f"standing{standing}" if standing else "moving",
            "truncation": float(truncation),
            "checkpoint_rule": checkpoint_rule,
        }
        super().__init__(
            name, where, gan.sample_shape, classes=gan.num_classes or None, facts=facts
        )
        self.offers |= set(self._further)
        self._generate = replicated(gan.generate, gan.distribute_strategy)

    def sha256(self) -> str | None:
        return self._fingerprint

    def tagged(self, tag: str) -> "Players":
        """A copy with another tag, thus other latents and labels."""
        other = copy.copy(self)
        other._tag = tag
        return other

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        inputs = self.inputs(number, seed)
        labels = inputs.get("labels")
        for start in range(0, number, size):
            batch = {name: values[start : start + size] for name, values in inputs.items()}
            made = self._generate(batch)
            yield made, None if labels is None else labels[start : start + size].numpy()

    def inputs(self, number: int, seed: int, purpose: str = "") -> dict:
        """Latents z [n, d] and, for a conditional generator, labels int32 [n].

        Each split has its own tag: the reported score uses other latents than the score that
        selected the checkpoint, and so does not benefit from lucky ones.
        """
        gan, tag = self._gan, f"evaluate/{self._tag}/{purpose}"
        inputs = {
            "z": gan.latents.sample(number, [random.key(seed, f"{tag}z"), 0], self._truncation)
        }
        labels = self.labels(number, seed, f"{tag}labels")
        if labels is not None:
            inputs["labels"] = tf.constant(labels)
        if gan.alphabet:
            shape = [number, *gan.alphabet.draw_shape]
            inputs["uniforms"] = random.uniform(shape, [random.key(seed, f"{tag}uniforms"), 0])
        return inputs

    def take_statistics(self, seed: int) -> None:
        """Sets the batch norm statistics to those of `standing` samples, if `standing` > 0."""
        if not self._standing:
            return
        inputs = self.inputs(self._standing, seed, "standing/")
        inputs.pop("uniforms", None)  # they are no input of the generator: they sample its output
        starts = range(0, self._standing, _STANDING_BATCH)
        parts = ({k: v[i : i + _STANDING_BATCH] for k, v in inputs.items()} for i in starts)
        standing_statistics(self._gan.sampling_generator, parts)

    def give(self, wanted: Wanted) -> Collected:
        seed = wanted.method.seed
        self.take_statistics(seed)
        passed = wanted.kinds & PASSED & self.offers
        if passed == {"labels"}:  # labels are known without generating samples
            labels = self.inputs(wanted.number, seed)["labels"].numpy()
            collected = Collected(labels=Rows.of(labels))
        else:
            collected = super().give(wanted) if passed else Collected()
        asked = {name: make for name, make in self._further.items() if name in wanted.kinds}
        return dataclasses.replace(collected, **{name: make() for name, make in asked.items()})

    @property
    def _further(self) -> dict[str, Callable]:
        """{field of `Collected` besides samples: function that returns it}.

        Discrete samples have no derivative, and their discriminator takes symbols.
        """
        if self._gan.alphabet:
            return {"kernels": self._kernels}
        return {
            "generate": lambda: self._generated,
            "latents": lambda: self._latents,
            "discriminate": lambda: self._discriminated,
            "kernels": self._kernels,
        }

    def _generated(self, z, labels=None):
        inputs = {"z": tf.convert_to_tensor(z)}
        if labels is not None:
            inputs["labels"] = tf.convert_to_tensor(labels)
        return self._gan.sampling_generator(inputs, training=False)

    def _latents(self, number: int, seed) -> np.ndarray:
        key = [random.key(int(seed), f"evaluate/{self._tag}/metric"), 0]
        return self._gan.latents.sample(number, key, self._truncation).numpy()

    def _discriminated(self, images, labels=None) -> np.ndarray:
        inputs = {"images": from_uint8(images)}
        if self._gan.num_classes:
            inputs["labels"] = tf.cast(labels, tf.int32)
        return self._gan.discriminator(inputs, training=False)["logits"].numpy()

    def _kernels(self) -> dict[str, np.ndarray]:
        variables = self._gan.discriminator.trainable_variables
        return {v.path: np.asarray(v) for v in variables if len(v.shape) > 1}

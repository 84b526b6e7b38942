"""The side of a generator: samples that are made when they are asked for.

Latents and labels of all samples are drawn before the first is made, so that the batch size changes
no sample.
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

_STANDING_BATCH = 64  # samples of a batch that standing statistics are taken over


class Generator(Side):
    """What makes samples; `make` is theirs who inherit."""

    available = None
    mix = UNIFORM  # of the labels

    def __init__(self, name: str, where: str, sample_shape, *, classes: int | None, facts: dict):
        self.name, self.where, self.classes = name, where, classes
        self.sample_shape = tuple(sample_shape)
        self.is_images = len(self.sample_shape) == 3
        self.facts = facts if classes is None else facts | {"labels": self.mix.name}
        images = {"images"} if self.is_images else set()
        self.offers = EXTRACTED | images | (set() if classes is None else {"labels"})

    def labelled(self, mix: LabelMix) -> "Generator":
        """The same generator of labels drawn by another mix."""
        other = copy.copy(self)
        other.mix, other.facts = mix, self.facts | {"labels": mix.name}
        return other

    def labels(self, number: int, seed: int, tag: str) -> np.ndarray | None:
        """int32 [number] of the mix, for a seed and a tag; None without classes."""
        if self.classes is None:
            return None
        return self.mix.draw(number, [random.key(seed, tag), 0], self.classes)

    def make(self, number: int, size: int, seed: int) -> Iterator[tuple]:
        """(float images [n, H, W, C] in [-1, 1] or points, labels or None), `number` in all."""
        raise NotImplementedError

    def batches(self, number: int, size: int, seed: int) -> Iterator[Batch]:
        """As every side's.

        Raises:
          UndefinedScore: at the end, if some are not finite; says how many.
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
    """SHA-256 of the contents of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Players(Generator):
    """The sampling generator of a built GAN, as it is when samples are asked for.

    Args:
      gan: a built GAN.
      tag: goes into the seeds of latents and labels; other tags, other samples.
      where: for messages, such as "checkpoint 100".
      name: for the protocol.
      truncation: of the latents; 0 for none.
      standing: samples to take batch norm's statistics over before others are made; 0 leaves
        those of training.
      checkpoint_rule: for the protocol.
      fingerprint: of the weights, if it is known.
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
    ):
        self._gan, self._tag, self._fingerprint = gan, tag, fingerprint
        self._truncation, self._standing = truncation, standing
        facts = {
            "ema": bool(gan.uses_ema),
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
        """The same players, for other latents."""
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

        Other ones for each tag, so that the luck of those on which a checkpoint was selected does
        not flatter the score that is reported.
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
        """Sets the generator's batch norm to the statistics of `standing` samples, if any."""
        if not self._standing:
            return
        inputs = self.inputs(self._standing, seed, "standing/")
        inputs.pop("uniforms", None)  # they draw from what the generator gives
        starts = range(0, self._standing, _STANDING_BATCH)
        parts = ({k: v[i : i + _STANDING_BATCH] for k, v in inputs.items()} for i in starts)
        standing_statistics(self._gan.sampling_generator, parts)

    def give(self, wanted: Wanted) -> Collected:
        seed = wanted.method.seed
        self.take_statistics(seed)
        passed = wanted.kinds & PASSED & self.offers
        if passed == {"labels"}:  # they are known before anything is made
            labels = self.inputs(wanted.number, seed)["labels"].numpy()
            collected = Collected(labels=Rows.of(labels))
        else:
            collected = super().give(wanted) if passed else Collected()
        asked = {name: make for name, make in self._further.items() if name in wanted.kinds}
        return dataclasses.replace(collected, **{name: make() for name, make in asked.items()})

    @property
    def _further(self) -> dict[str, Callable]:
        """What metrics may have of the players besides samples: {name: function that gives it}.

        Discrete samples have no derivative, and their D takes symbols.
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

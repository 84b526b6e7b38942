"""The interface between an update of a player and an augmentation, `GAN.augment`."""

__all__ = ["Augmentation", "Chain"]

from collections.abc import Sequence
from typing import Annotated

import gin
import keras
import tensorflow as tf

from compare_gan_tf.config import objects
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Made, Several, checked


class Augmentation(objects.Configured, keras.layers.Layer):
    """Changes images, reals and fakes, before D sees them.

    This class changes nothing. A subclass overrides one or more of

      call    changes all images of one view, differentiably;
      mix     replaces reals by fakes in D's view of the reals;
      update  reads D's logits after each update of D.

    Row i of a result depends only on row i of the input and on the global index of that row in the
    noise, not on the number of replicas or on other rows.
    """

    def __init__(self, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        self.built = True

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuses samples that the augmentation cannot change.

        Raises:
          UserError: they are not images (height, width, channels).
        """
        if len(sample_shape) != 3:
            raise UserError(
                f"GAN.augment = @{type(self).__name__}() needs images (height, width, channels), "
                f"the data set's samples have shape {tuple(sample_shape)}: leave it out"
            )

    def count_training_steps(self, updates: int) -> None:
        """Called once before training: D makes `updates` updates per training step."""
        return

    def levels(self) -> dict:
        """The quantities that change in training, such as p, for the logs: {name: scalar}."""
        return {}

    def mix(self, real, fake, noise, tag: str):
        """Makes the samples that D sees as real.

        Args:
          real: structure of tensors [n, ...], such as (images, labels); None stays None.
          fake: the same structure of the fakes.
          noise: `random.Noise` of this update.
          tag: key of the draws.

        Returns:
          A structure as `real`.
        """
        return real

    def call(self, images, noise, tag: str):
        """The augmented images, float32 [n, H, W, C]; they may leave [-1, 1].

        Args:
          images: float32 [n, H, W, C] in [-1, 1].
          noise: `random.Noise` of this update.
          tag: key of the draws; each view has its own.
        """
        return images

    def update(self, real_logits, gather) -> None:
        """Called once after each update of D, outside the tapes.

        Args:
          real_logits: D's logits of its view of the reals, [n].
          gather: function [n] -> the global batch [N].
        """
        return


_LIKE = "an augmentation such as @ADA()"
AnAugmentation = Annotated[Augmentation, Made(Augmentation, like=_LIKE)]
Augmentations = Annotated[
    Sequence, Several(Made(Augmentation, like=_LIKE), least=0, like="[@APA(), @DiffAugment()]")
]


@gin.register(module="augment")
class Chain(Augmentation):
    """Several augmentations, one after the other.

    Args:
      augmentations: a list of them.
    """

    @checked
    def __init__(self, augmentations: Augmentations, name: str | None = None):
        super().__init__(name=name)
        self.augmentations = list(augmentations)

    def check(self, sample_shape):
        for augmentation in self.augmentations:
            augmentation.check(sample_shape)

    def levels(self):
        found = {}
        for index, augmentation in enumerate(self.augmentations):
            found |= {f"{index}/{name}": value for name, value in augmentation.levels().items()}
        return found

    def count_training_steps(self, updates):
        for augmentation in self.augmentations:
            augmentation.count_training_steps(updates)

    def mix(self, real, fake, noise, tag):
        for index, augmentation in enumerate(self.augmentations):
            real = augmentation.mix(real, fake, noise, f"{tag}/{index}")
        return real

    def call(self, images, noise, tag):
        for index, augmentation in enumerate(self.augmentations):
            images = augmentation(images, noise=noise, tag=f"{tag}/{index}")
        return images

    def update(self, real_logits, gather):
        for augmentation in self.augmentations:
            augmentation.update(real_logits, gather)


class TrialNoise:
    """Replaces `random.Noise` in trial calls of functions; nothing is random."""

    def seed(self, tag: str):
        """int64 [2]."""
        return tf.zeros([2], tf.int64)

    def draw(self, tag: str, sample, num: int):
        """`sample(num, seed)`."""
        return sample(num, self.seed(tag))

    def uniform(self, tag: str, shape):
        """1/2 in this shape."""
        return tf.fill(shape, 0.5)

    def integers(self, tag: str, num: int, limit: int):
        """0, int32 [num]."""
        return tf.zeros([num], tf.int32)


def require_transforms(name: str, functions, arguments: tuple, shape: tuple, like: str) -> None:
    """Tries each function once, with the arguments that the augmentation will pass.

    Args:
      name: of the setting, a list of functions.
      functions: the list.
      arguments: of the trial; the noise is a `TrialNoise`.
      shape: that the results must have.
      like: what each function must be, with an example, for messages.

    Raises:
      UserError: a function fails, or returns another shape.
    """
    for function in functions:
        result = kinds.tried(f"{name}: one", function, *arguments, like=like)
        kinds.require_shape(f"{name}: one", function, result, shape, like=like)

"""The contract between the game and an augmentation: `GAN.augment`."""

import gin
import keras

from compare_gan_tf.errors import UserError


class Augmentation(keras.layers.Layer):
    """What is done to images before D sees them, to reals and fakes alike.

    This class does nothing. A subclass has one or more of

      call    a differentiable change of all images of one view;
      mix     an exchange of reals for fakes in D's view of the reals;
      update  a look at D's logits after each of its updates.

    Row i of a result depends on row i of what it is given, and on the global number of that row in
    the noise: neither the number of replicas nor the other rows change it.
    """

    def __init__(self, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        self.built = True

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuses samples that it cannot change.

        Raises:
          UserError: they are not images (height, width, channels).
        """
        if len(sample_shape) != 3:
            raise UserError(
                f"GAN.augment = @{type(self).__name__}() needs images (height, width, channels), "
                f"the data set's samples have shape {tuple(sample_shape)}: leave it unbound"
            )

    def mix(self, real, fake, noise, tag: str):
        """What D is shown as real.

        Args:
          real: structure of tensors [n, ...], such as (images, labels); None stays None.
          fake: the same of the fakes.
          noise: `random.Noise` of this update.
          tag: keys the draws.

        Returns:
          The structure of `real`.
        """
        return real

    def call(self, images, noise, tag: str):
        """The images that D sees, [n, H, W, C] as given.

        Args:
          images: float32 [n, H, W, C] in [-1, 1]; results may lie outside.
          noise: `random.Noise` of this update.
          tag: keys the draws: another one for each view.
        """
        return images

    def update(self, real_logits, gather) -> None:
        """Called once after each update of D, outside the tapes.

        Args:
          real_logits: of D's view of the reals, [n].
          gather: [n] -> the global batch [N].
        """
        return


@gin.register(module="augment")
class Chain(Augmentation):
    """Several augmentations, one after the other.

    Args:
      augmentations: a list of them.
    """

    def __init__(self, augmentations, name: str | None = None):
        super().__init__(name=name)
        require_list("Chain.augmentations", augmentations, Augmentation, "[@APA(), @DiffAugment()]")
        self.augmentations = list(augmentations)

    def check(self, sample_shape):
        for augmentation in self.augmentations:
            augmentation.check(sample_shape)

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


def require_list(name: str, values, kind, example: str) -> None:
    """Refuses what is not a list of `kind`; None means functions.

    Raises:
      UserError: names the setting, and what to bind.
    """
    is_list = isinstance(values, list | tuple)
    right = is_list and all(_is(value, kind) for value in values)
    if not right:
        raise UserError(f"{name} = {values!r}: it must be a list such as {example}")


def _is(value, kind) -> bool:
    if kind is None:
        return callable(value) and not isinstance(value, type)
    return isinstance(value, kind)

"""DiffAugment (Zhao et al., 2020): fixed differentiable augmentations of D's inputs."""

__all__ = ["DiffAugment"]

from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.augment.base import Augmentation, TrialNoise, require_transforms
from compare_gan_tf.augment.transforms import color, cutout, translation
from compare_gan_tf.settings.signatures import Function, Several, checked

_TRANSFORM = "a function (images, noise, tag) of images such as @diffaugment.color"
Transforms = Annotated[
    tuple,
    Several(Function(0, 0, "", like=_TRANSFORM), least=0, like="[@color, @translation, @cutout]"),
]


@gin.register(module="augment")
class DiffAugment(Augmentation):
    """Applies every transformation to every image, reals and fakes, in D's updates and in G's.

    Args:
      transforms: functions (images, noise, tag) -> images, applied in order; see `transforms`.
    """

    @checked
    def __init__(
        self, transforms: Transforms = (color, translation, cutout), name: str | None = None
    ):
        super().__init__(name=name)
        self.transforms = tuple(transforms)

    def check(self, sample_shape):
        super().check(sample_shape)
        images = tf.zeros([2, *sample_shape])
        arguments = (images, TrialNoise(), "trial")
        require_transforms(
            "DiffAugment.transforms", self.transforms, arguments, images.shape, _TRANSFORM
        )

    def call(self, images, noise, tag):
        for index, transform in enumerate(self.transforms):
            images = transform(images, noise, f"{tag}/{index}")
        return images

"""DiffAugment (Zhao et al., 2020): fixed differentiable augmentations of all that D sees."""

import gin

from compare_gan_tf.augment.base import Augmentation, require_list
from compare_gan_tf.augment.transforms import color, cutout, translation


@gin.register(module="augment")
class DiffAugment(Augmentation):
    """Applies every transformation to every image, reals and fakes, in D's updates and in G's.

    Args:
      transforms: functions (images, noise, tag) -> images, see `transforms`, in their order.
    """

    def __init__(self, transforms=(color, translation, cutout), name: str | None = None):
        super().__init__(name=name)
        require_list("DiffAugment.transforms", transforms, None, "[@color, @translation, @cutout]")
        self.transforms = tuple(transforms)

    def call(self, images, noise, tag):
        for index, transform in enumerate(self.transforms):
            images = transform(images, noise, f"{tag}/{index}")
        return images

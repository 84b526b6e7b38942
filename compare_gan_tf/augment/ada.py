"""Adaptive discriminator augmentation (Karras et al., 2020)."""

import gin
import tensorflow as tf

from compare_gan_tf.augment import colours as ada_colours
from compare_gan_tf.augment import geometry as ada_geometry
from compare_gan_tf.augment.base import Augmentation, TrialNoise, require_list, require_transforms
from compare_gan_tf.augment.controllers import controller_or_default
from compare_gan_tf.augment.resample import resample
from compare_gan_tf.errors import UserError

_GEOMETRY = "a function (noise, tag, p, shape) of `geometry` such as @ada.x_flip"
_COLOURS = "a function (noise, tag, p, number) of `colours` such as @ada.hue"


@gin.register(module="augment")
class ADA(Augmentation):
    """Applies each transformation with probability p to each image; p adapts to D's overfitting.

    The pipeline of their appendix B without image-space filtering and corruptions ("bgc"): the
    geometric transformations are composed to one map and done by one resampling, then the colour
    transformations to one matrix. With p = 0 the images come out as they are.

    Their resampling is band-limited: images are doubled by a wavelet's low-pass filter (sym6),
    mapped, and halved again. Here it is bilinear at the images' own size, which blurs a little
    where the map is not one of whole pixels, and aliases where it shrinks. What lies outside is the
    reflected image without end; theirs is black further out than one reflection.

    Args:
      geometry: functions (noise, tag, p, shape) -> inverse maps [n, 3, 3], see `geometry`.
      colours: functions (noise, tag, p, number) -> maps [n, 4, 4], see `colours`.
      controller: of p; None for `Adaptive()`, which has the published target, speed and interval.
    """

    def __init__(
        self,
        geometry=ada_geometry.ALL,
        colours=ada_colours.ALL,
        controller=None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        require_list("ADA.geometry", geometry, None, "[@x_flip, @integer_translation]")
        require_list("ADA.colours", colours, None, "[@ada.brightness, @hue]")
        self.geometry, self.colours = tuple(geometry), tuple(colours)
        self.controller = controller_or_default("ADA.controller", controller)

    def check(self, sample_shape):
        super().check(sample_shape)
        if self.colours and sample_shape[-1] not in (1, 3):
            raise UserError(
                f"ADA.colours are for images of 1 or 3 channels, the data set's have "
                f"{sample_shape[-1]}: set ADA.colours = []"
            )

        start = (TrialNoise(), "trial", self.controller.p.value)
        inverses = (*start, tf.TensorShape([2, *sample_shape]))
        require_transforms("ADA.geometry", self.geometry, inverses, (2, 3, 3), _GEOMETRY)
        require_transforms("ADA.colours", self.colours, (*start, 2), (2, 4, 4), _COLOURS)

    def call(self, images, noise, tag):
        p = self.controller.p.value
        if self.geometry:
            inverse = ada_geometry.compose(
                transform(noise, f"{tag}/geometry/{index}", p, images.shape)
                for index, transform in enumerate(self.geometry)
            )
            images = resample(images, inverse)
        if self.colours:
            matrix = ada_colours.compose(
                transform(noise, f"{tag}/colours/{index}", p, images.shape[0])
                for index, transform in enumerate(self.colours)
            )
            images = ada_colours.recolour(images, matrix)
        return images

    def count_training_steps(self, updates):
        self.controller.count_training_steps(updates)

    def levels(self):
        return {"p": self.controller.p.value}

    def update(self, real_logits, gather):
        self.controller.update(real_logits, gather)

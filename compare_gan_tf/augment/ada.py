"""Adaptive discriminator augmentation (Karras et al., 2020)."""

__all__ = ["ADA"]

from collections.abc import Sequence
from typing import Annotated

import gin
import tensorflow as tf

from compare_gan_tf.augment import colours as ada_colours
from compare_gan_tf.augment import corruptions as ada_corruptions
from compare_gan_tf.augment import geometry as ada_geometry
from compare_gan_tf.augment.base import TrialNoise, require_transforms
from compare_gan_tf.augment.controllers import AController, Controlled
from compare_gan_tf.augment.resample import resample
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Function, OneOf, Several, checked

_GEOMETRY = "a function (noise, tag, p, shape) of `geometry` such as @ada.x_flip"
_COLOURS = "a function (noise, tag, p, number) of `colours` such as @ada.hue"
_CORRUPTIONS = "a function (noise, tag, p, images) of `corruptions` such as @rgb_noise"
_PARTS = {  # NVIDIA's names, in the order of the letters of "bgcfnc"
    "blit": {"geometry": ada_geometry.BLITTING},
    "geom": {"geometry": ada_geometry.GENERAL},
    "color": {"colours": ada_colours.ALL},
    "filter": {"corruptions": (ada_corruptions.band_filter,)},
    "noise": {"corruptions": (ada_corruptions.rgb_noise,)},
    "cutout": {"corruptions": (ada_corruptions.cutout_rectangle,)},
}
_PIPELINES = {name: (name,) for name in _PARTS} | {
    "bgcfnc"[:length]: tuple(_PARTS)[:length] for length in range(2, 7)
}


Geometry = Annotated[
    Sequence,
    Several(Function(0, "", 0, 0, like=_GEOMETRY), least=0, like="[@x_flip, @integer_translation]"),
]
Colours = Annotated[
    Sequence, Several(Function(0, "", 0, 0, like=_COLOURS), least=0, like="[@ada.brightness, @hue]")
]
Corruptions = Annotated[
    Sequence, Several(Function(0, "", 0, 0, like=_CORRUPTIONS), least=0, like="[@rgb_noise]")
]
Pipeline = Annotated[str, OneOf(*_PIPELINES)]


def _chosen(functions, parts: list[dict], setting: str) -> tuple:
    """The given functions, or those of the parts if there are none."""
    if functions is None:
        functions = (function for part in parts for function in part.get(setting, ()))
    return tuple(functions)


@gin.register(module="augment")
class ADA(Controlled):
    """Applies each transformation to each image with probability p, which adapts to overfitting.

    The pipelines are those of the paper's appendix B. The geometric transformations are composed
    into one map and one resampling, and the colour transformations into one matrix; filtering and
    corruptions follow. With p = 0 images stay unchanged. The probability of a transformation with a
    multiplier, such as `ada.hue.multiplier = 0.5`, is p times the multiplier.

    The published resampling is band-limited: a wavelet's low-pass filter (sym6) doubles the images,
    which are mapped and halved again. Here it is bilinear at the size of the images, which blurs a
    little for maps that are not of whole pixels, and aliases where an image shrinks. Images are
    continued by reflection without end; the published code has black beyond one reflection.

    Args:
      geometry: functions (noise, tag, p, shape) -> inverse maps [n, 3, 3], see `geometry`; None
        for those of the pipeline.
      colours: functions (noise, tag, p, number) -> maps [n, 4, 4], see `colours`; None for those of
        the pipeline.
      controller: of p; None for `Adaptive()`, which has the published target, speed and interval.
      corruptions: functions (noise, tag, p, images) -> images, see `corruptions`; None for those
        of the pipeline.
      pipeline: NVIDIA's name: "blit", "geom", "color", "filter", "noise", "cutout", or the first
        ones together: "bg", "bgc", "bgcf", "bgcfn", "bgcfnc"; published: "bgc".
    """

    @checked
    def __init__(
        self,
        geometry: Geometry | None = None,
        colours: Colours | None = None,
        controller: AController | None = None,
        name: str | None = None,
        *,
        corruptions: Corruptions | None = None,
        pipeline: Pipeline = "bgc",
    ):
        super().__init__(controller, name=name)
        parts = [_PARTS[name] for name in _PIPELINES[pipeline]]
        self.geometry = _chosen(geometry, parts, "geometry")
        self.colours = _chosen(colours, parts, "colours")
        self.corruptions = _chosen(corruptions, parts, "corruptions")

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
        images = tf.zeros([2, *sample_shape])
        require_transforms(
            "ADA.corruptions", self.corruptions, (*start, images), images.shape, _CORRUPTIONS
        )

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
        for index, transform in enumerate(self.corruptions):
            images = transform(noise, f"{tag}/corruptions/{index}", p, images)
        return images

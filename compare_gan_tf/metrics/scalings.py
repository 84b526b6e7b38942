"""Scaling of pixel levels in [0, 255] for a network: y = (x - mean) / deviation, per channel."""

import dataclasses
from typing import Annotated

import gin
import numpy as np

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Made


@gin.register(module="features")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaling:
    """y = (x - mean) / deviation, with x in levels of 0 to 255.

    Attributes:
      mean: in levels: one number, or one for each channel in the order that the network takes.
      deviation: likewise, not 0.
      bgr: whether the network takes blue first.
    """

    mean: float | tuple[float, ...] = 0.0
    deviation: float | tuple[float, ...] = 1.0
    bgr: bool = False

    def __post_init__(self):
        if not np.all(np.asarray(self.deviation, np.float64) != 0.0):
            raise UserError(f"Scaling.deviation is {self.deviation}: levels are divided by it")

    @property
    def formula(self) -> str:
        """For example "(x-128)/128", as it stands in a protocol."""
        order = "bgr:" if self.bgr else ""
        shifted = f"(x-{_text(self.mean)})" if np.any(np.asarray(self.mean)) else "x"
        scaled = f"/{_text(self.deviation)}" if np.any(np.asarray(self.deviation) != 1) else ""
        return f"{order}{shifted}{scaled}"

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Levels [n, H, W, C] -> float32 [n, H, W, C]."""
        images = images[..., ::-1] if self.bgr else images
        mean, deviation = (np.asarray(value, np.float32) for value in (self.mean, self.deviation))
        return (images.astype(np.float32) - mean) / deviation


Scale = Annotated[Scaling, Made(Scaling, like="a scaling such as @unit_scaling()")]


def _text(value) -> str:
    numbers = [f"{number:.7g}" for number in np.ravel(value)]
    return numbers[0] if len(numbers) == 1 else f"[{','.join(numbers)}]"


def _levels(fractions) -> tuple[float, ...]:
    """Fractions of 1 as levels."""
    return tuple(round(255.0 * fraction, 7) for fraction in fractions)


@gin.register(module="features")
def unscaled() -> Scaling:
    """x, for networks that scale their input themselves."""
    return Scaling()


@gin.register(module="features")
def unit_scaling() -> Scaling:
    """x / 255, in [0, 1]."""
    return Scaling(deviation=255.0)


@gin.register(module="features")
def symmetric_scaling() -> Scaling:
    """x / 127.5 - 1, in [-1, 1]: Keras' InceptionV3, and StudioGAN."""
    return Scaling(mean=127.5, deviation=127.5)


@gin.register(module="features")
def inception_2015_scaling() -> Scaling:
    """(x - 128) / 128, in [-1, 127/128]: what is in the graph of the Inception network of 2015."""
    return Scaling(mean=128.0, deviation=128.0)


@gin.register(module="features")
def imagenet_scaling() -> Scaling:
    """PyTorch's means and deviations of ImageNet, which DINOv2 takes too."""
    return Scaling(mean=_levels((0.485, 0.456, 0.406)), deviation=_levels((0.229, 0.224, 0.225)))


@gin.register(module="features")
def caffe_scaling() -> Scaling:
    """Blue first, less the means of ImageNet: Keras' ResNet50."""
    return Scaling(mean=(103.939, 116.779, 123.68), bgr=True)


@gin.register(module="features")
def clip_scaling() -> Scaling:
    """The means and deviations of CLIP's training images (Radford et al., 2021)."""
    return Scaling(
        mean=_levels((0.48145466, 0.4578275, 0.40821073)),
        deviation=_levels((0.26862954, 0.26130258, 0.27577711)),
    )

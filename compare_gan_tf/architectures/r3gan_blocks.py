"""R3GAN's residual blocks, and its layers with kernels of the right variance."""

import math
from typing import Annotated, Any, NamedTuple

import keras

from compare_gan_tf.architectures import blocks
from compare_gan_tf.architectures.r3gan_layers import GroupedConv2D
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.settings.signatures import Number

_SLOPE = 0.2
_GAIN = math.sqrt(2.0 / (1.0 + _SLOPE**2))  # keeps the variance through leaky ReLUs
_NOTHING = blocks.Condition()


class _Odd:
    def check(self, name: str, value: int) -> None:
        """Refuses an even number; `name` is that of the setting."""
        if value % 2 == 0:
            raise UserError(f"{name} is {value}: it must be odd")


KernelSize = Annotated[int, Number(least=1, whole=True), _Odd()]


def _initial(gain: float):
    """N(0, gain^2 / fan_in), or zeros."""
    if gain == 0.0:
        return keras.initializers.Zeros()
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")


def dense(units: int, *, gain: float = 1.0, kernel_norm=None, name: str):
    """[n, c] -> [n, units], without bias."""
    layer = keras.layers.Dense(units, use_bias=False, kernel_initializer=_initial(gain), name=name)
    return reparameterised(layer, kernel_norm)


def conv(filters: int, *, gain: float = 1.0, bias: bool = False, kernel_norm=None, name: str):
    """A 1x1 convolution."""
    layer = keras.layers.Conv2D(
        filters, 1, use_bias=bias, kernel_initializer=_initial(gain), name=name
    )
    return reparameterised(layer, kernel_norm)


class Stages(NamedTuple):
    """The blocks of one player. Attributes are as the arguments of `r3gan.generator`."""

    architecture: str  # for messages
    widths: tuple[int, ...]
    cardinalities: tuple[int, ...] | None
    depth: int
    expansion: int
    kernel_size: int
    norm: Any
    kernel_norm: Any

    def run(self, x, index: int, condition=_NOTHING):
        """All blocks of stage `index`: [n, h, w, c] -> the same shape.

        Raises:
          UserError: the stage cannot be.
        """
        groups = self._groups(index)
        for number in range(self.depth):
            x = self._block(x, groups, f"stage{index}_block{number}", condition)
        return x

    def _groups(self, index):
        width = self.widths[index]
        if self.cardinalities is None:
            return max(1, width // 8)
        if len(self.cardinalities) != len(self.widths):
            raise UserError(
                f"{self.architecture}.cardinalities has {len(self.cardinalities)} numbers, but "
                f"there are {len(self.widths)} stages: give one for each, from 4 px up"
            )
        return self.cardinalities[index]

    def _block(self, x, groups, name, condition):
        """x + conv1x1(act(grouped(act(conv1x1(x))))), act being norm and leaky ReLU."""
        width = x.shape[-1]
        inside = width * self.expansion
        if inside % groups:
            raise UserError(
                f"{self.architecture}: {inside} channels inside a block do not split into "
                f"{groups} groups: change cardinalities, widths or expansion"
            )
        gain = _GAIN * (self.depth * len(self.widths)) ** -0.25
        settings = {"kernel_norm": self.kernel_norm}
        h = conv(inside, gain=gain, bias=True, name=f"{name}_conv1", **settings)(x)
        h = self._activate(h, f"{name}_1", condition)
        grouped = GroupedConv2D(
            inside,
            self.kernel_size,
            padding="same",
            groups=groups,
            kernel_initializer=_initial(gain),
            name=f"{name}_conv2",
        )
        h = reparameterised(grouped, self.kernel_norm)(h)
        h = self._activate(h, f"{name}_2", condition)
        last = gain if self.kernel_norm else 0.0  # a norm cannot divide zeros by their size
        h = conv(width, gain=last, name=f"{name}_conv3", **settings)(h)
        return keras.layers.Add(name=name)([x, h])

    def _activate(self, x, name, condition):
        x = blocks.normalise(self.norm, x, name=f"{name}_norm", condition=condition)
        return keras.layers.LeakyReLU(_SLOPE, name=f"{name}_relu")(x)

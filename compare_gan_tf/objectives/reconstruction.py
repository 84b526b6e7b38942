"""FastGAN's objectives: scores of patches, and D as an autoencoder (Liu et al., 2021)."""

__all__ = ["PatchHinge", "Reconstruction"]

import math
from collections.abc import Callable
from typing import Annotated

import gin
import keras
import tensorflow as tf
from keras import ops

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.layers.kernel_norm import reparameterised
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term
from compare_gan_tf.settings.signatures import Count, Decay, Factor, Function, Number, checked

_PATCHES, _SEEN = "patches", "seen"
_MAPS = ("whole_maps", "part_maps", "small_maps")
_LARGEST = 128  # px of what decoders make, unless `doublings` is given
_WIDTHS = (4, 2, 2, 1)  # of the doublings, in units of `width`
Distance = Annotated[
    Callable, Function(0, 0, like="a function (images, targets) such as @absolute_distance")
]
Doublings = Annotated[int, Number(least=1, most=len(_WIDTHS), whole=True)]


def _require(objective, gan, names):
    missing = [name for name in names if name not in gan.discriminator.output]
    if missing:
        raise UserError(
            f"{type(objective).__name__} needs the output {missing[0]!r} of D, which "
            "GAN.discriminator does not offer: take @fastgan.discriminator"
        )


@gin.register(module="objectives")
class PatchHinge(Objective):
    """The hinge loss of D's scores of patches, with random margins (FastGAN's code).

    Over the patches p of a sample, D pays mean_p max(0, m_p - D_p(x)) on reals and
    mean_p max(0, m_p + D_p(x)) on fakes, with m_p uniform on (1 - smoothing, 1) for each patch, and
    G pays -mean_p D_p(x).

    Args:
      smoothing: width of the margins' range; published: 0.2, 0 for the margin 1.
      weight: of all terms.
      name: prefix of its terms in the logs.
    """

    reads = (_PATCHES,)

    @checked
    def __init__(self, smoothing: Decay = 0.2, weight: Factor = 1.0, name: str = "patch_hinge"):
        super().__init__(weight=weight, name=name)
        self.smoothing = smoothing

    def build_for(self, gan):
        _require(self, gan, self.reads)

    def views(self, player, game, samples):
        fake = {"fake": samples.fake_view}
        return {"real": samples.real_view, **fake} if player == DISCRIMINATOR else fake

    def discriminator(self, game, samples, scored):
        return [
            Term(name, self._below_margin(game, name, sign * scored[name].heads[_PATCHES]))
            for name, sign in (("real", 1.0), ("fake", -1.0))
        ]

    def _below_margin(self, game, name, scores):
        noise = game.noise.uniform(f"{self.name}/{name}", scores.shape)
        return tf.reduce_mean(tf.nn.relu(1.0 - self.smoothing * noise - scores), 1)

    def generator(self, game, samples, scored):
        return [Term("", -tf.reduce_mean(scored["fake"].heads[_PATCHES], 1))]


@gin.configurable(module="reconstruction")
def absolute_distance(images, targets):
    """The mean of |images - targets| over all elements of a sample, [n]."""
    return tf.reduce_mean(tf.abs(images - targets), [1, 2, 3])


@gin.register(module="objectives")
class Reconstruction(Objective):
    """D's maps of a real must tell the image: FastGAN's self-supervision (section 3.2, eq. 2).

    Three decoders, which train with D, make images of D's last maps, of a quadrant of the maps of
    twice their side, and of the last maps of D's second path. A quadrant is drawn for each sample.
    The targets are every k-th pixel of the images as D has seen them, augmented, and of the same
    quadrant of them. A decoder has `doublings` of nearest neighbours, each with a 3x3 convolution,
    batch norm and gated linear units, and ends in a convolution and a tanh.

    The published distance is LPIPS on VGG, whose weights do not ship, summed over the batch. Here
    it is any function of images and targets, the mean absolute difference by default, and its mean
    over the batch.

    Args:
      weight: of the sum of the three distances.
      distance: function (images, targets), [n, h, w, c] each -> [n].
      width: channels after the last doubling; published: 32.
      doublings: 1 to 4; None for images of 128 px or half the side of D's, as published: 4 from 8
        to 128 px.
      kernel_norm: reparameterises the decoders' kernels; None for none.
      name: prefix of its terms in the logs.

    Raises:
      UserError: D does not offer the maps, or the images are too small for so many doublings.
    """

    reads = (_SEEN, *_MAPS)
    couples_batch = True  # by the decoders' norms

    @checked
    def __init__(
        self,
        weight: Factor = 1.0,
        distance: Distance = absolute_distance,
        width: Count = 32,
        doublings: Doublings | None = None,
        kernel_norm=spectral_norm,
        name: str = "reconstruction",
    ):
        super().__init__(weight=weight, name=name)
        self.distance, self.width = distance, width
        self.doublings, self.kernel_norm = doublings, kernel_norm

    def build_for(self, gan):
        _require(self, gan, self.reads)
        outputs = gan.discriminator.output
        channels = outputs[_SEEN].shape[-1]
        shapes = {name: outputs[name].shape[1:] for name in _MAPS}
        height, width, depth = shapes["part_maps"]
        shapes["part_maps"] = (height // 2, width // 2, depth)
        side, last = outputs[_SEEN].shape[1], shapes["whole_maps"][0]
        doublings = self.doublings or int(math.log2(min(_LARGEST, side // 2) / last))
        if side % (last << doublings):
            raise UserError(
                f"Reconstruction.doublings is {doublings}: it makes images of {last << doublings} "
                f"px, of which those of D, {side} px, are no multiple; set it lower"
            )
        self.decoders = [self._decoder(shapes[name], channels, doublings, name) for name in _MAPS]

    def _decoder(self, shape, channels: int, doublings: int, name: str) -> keras.Model:
        """Maps of `shape` -> images [n, h 2^doublings, w 2^doublings, channels]."""

        def conv(units, at):
            layer = keras.layers.Conv2D(units, 3, padding="same", use_bias=False, name=at)
            return reparameterised(layer, self.kernel_norm)

        x = maps = keras.Input(shape)
        for index in range(doublings):
            x = keras.layers.UpSampling2D(2, name=f"up{index}")(x)
            x = conv(2 * self.width * _WIDTHS[index], f"conv{index}")(x)
            a, b = ops.split(batch_norm(name=f"norm{index}")(x), 2, -1)
            x = a * ops.sigmoid(b)
        return keras.Model(maps, ops.tanh(conv(channels, "images")(x)), name=f"decode_{name}")

    def views(self, player, game, samples):
        return {"real": samples.real_view} if player == DISCRIMINATOR else {}

    def discriminator(self, game, samples, scored):
        heads = {name: tf.cast(scored["real"].heads[name], tf.float32) for name in self.reads}
        part = game.noise.integers(f"{self.name}/part", heads[_SEEN].shape[0], 4)
        maps = {**heads, "part_maps": quadrants(heads["part_maps"], part)}
        targets = dict.fromkeys(_MAPS, heads[_SEEN])
        targets["part_maps"] = quadrants(heads[_SEEN], part)
        distances = []
        for name, decoder in zip(_MAPS, self.decoders, strict=True):
            images = decoder(maps[name], training=True)
            step = targets[name].shape[1] // images.shape[1]
            distances.append(self.distance(images, targets[name][:, ::step, ::step]))
        return [Term("", tf.reduce_sum(tf.stack(distances), 0))]


def quadrants(x, part):
    """The quadrant of each of x [n, h, w, c], [n, h / 2, w / 2, c].

    Args:
      x: maps of even sides.
      part: int32 [n]: 0 for the upper left, 1 the upper right, 2 and 3 those below.
    """
    height, width = x.shape[1] // 2, x.shape[2] // 2
    halves = (x[:, :height], x[:, height:])
    four = [half[:, :, s] for half in halves for s in (slice(width), slice(width, None))]
    return tf.gather(tf.stack(four, 1), part, batch_dims=1)

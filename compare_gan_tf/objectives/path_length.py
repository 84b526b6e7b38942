"""Path length regularisation of G (Karras et al., 2020, StyleGAN2, section 3.2 and eq. 4)."""

__all__ = ["PathLength"]

import math

import gin
import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import add_state, frozen_state
from compare_gan_tf.layers.state import training_pass
from compare_gan_tf.objectives.base import Objective, Term
from compare_gan_tf.settings.signatures import Count, Decay, Factor, checked

_LEAST = 1e-12  # of a squared length, whose root has no gradient at 0


@gin.register(module="objectives")
class PathLength(Objective):
    """G pays weight * mean (|J^T y| - a)^2: a step in z moves the image as far in any direction.

    J is the Jacobian of G's image by w, and y ~ N(0, I) / sqrt(height * width), one draw for each
    latent. The moving average a of the lengths begins at 0 and takes those of the batch before it
    is compared with them: a <- decay a + (1 - decay) mean |J^T y|, with no gradient. The logs have
    it as "average".

    w is z, unless `layer` names the layer of G whose output it is. If that is a list, such as the
    latents of all layers of a StyleGAN, |J^T y|^2 is the mean over the list, as in the published
    code.

    Args:
      weight: gamma; published code: 2.
      decay: of a; published: 0.99.
      one_in: k to use every k-th latent, as published with 2; divides the batch of a replica.
      layer: name of the layer of G whose output is w; None for z.
      every: see `Objective`; published: 4 or 8. On several replicas it must be 1.
      name: prefix of its terms in the logs.

    Raises:
      UserError: G has no such layer, or its samples are not images.
    """

    generates = True
    couples_batch = True

    @checked
    def __init__(
        self,
        weight: Factor = 2.0,
        decay: Decay = 0.99,
        one_in: Count = 2,
        layer: str | None = None,
        every: Count = 1,
        name: str = "path_length",
    ):
        super().__init__(weight=weight, every=every, name=name)
        self.decay = decay
        self.one_in = one_in
        self.layer = layer

    def build_for(self, gan):
        if self.layer is not None:
            _halves(gan.generator, self.layer)  # raises if there is no such layer
        self.average = add_state(self, "average")

    def generator(self, game, samples, scored):
        if samples.z.shape[0] % self.one_in:
            raise UserError(
                f"PathLength.one_in is {self.one_in}: it must divide the batch of a replica, which "
                f"is {samples.z.shape[0]}"
            )
        lengths = self._lengths(game, samples)
        mean = tf.stop_gradient(tf.reduce_mean(game.gather(lengths)))
        due = (game.step + 1) % self.every == 0  # in eager mode other steps come here, too
        decay = tf.where(due, self.decay, 1.0)
        average = decay * tf.convert_to_tensor(self.average) + (1.0 - decay) * mean
        self.average.assign(average)
        return [
            Term("", tf.square(lengths - average)),
            Term("average", tf.fill(lengths.shape, average), factor=0.0),
        ]

    def _lengths(self, game, samples):
        """|J^T y| of the chosen latents, [n / one_in]."""
        z, labels = samples.z[:: self.one_in], samples.fake_labels
        labels = None if labels is None else labels[:: self.one_in]
        w, synthesis = z, lambda latents: game.generate(latents, labels)
        if self.layer is not None:
            w, synthesis = self._mapped(game.generator, z, labels)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(w)
            images = synthesis(w)
            height, width = images.shape[1:3] if len(images.shape) == 4 else (1, 1)
            y = tf.math.ndtri(game.noise.uniform(f"{self.name}/y", images.shape))
            moved = tf.reduce_sum(images * tf.cast(y, images.dtype)) / math.sqrt(height * width)
        slopes = tf.stack(tf.nest.flatten(tape.gradient(moved, w)))  # [latents, n, d]
        squared = tf.reduce_mean(tf.reduce_sum(tf.square(slopes), 2), 0)
        return tf.sqrt(tf.maximum(squared, _LEAST))

    def _mapped(self, generator, z, labels):
        """(w of the latents; the function from w to images); they write no state."""
        mapping, synthesis = _halves(generator, self.layer)
        inputs = {"z": z} if labels is None else {"z": z, "labels": labels}
        with frozen_state():
            w = tf.nest.map_structure(tf.identity, training_pass(mapping, inputs))

        def images(w):
            with frozen_state():
                return training_pass(synthesis, w)

        return w, images


def _halves(generator: keras.Model, name: str) -> tuple[keras.Model, keras.Model]:
    """G up to the output of a layer, and from there on.

    Raises:
      UserError: G has no such layer, or its images depend on its inputs in another way, too.
    """
    layers = {layer.name: layer for layer in generator.layers}
    if name not in layers:
        raise UserError(
            f"PathLength.layer is {name!r}: GAN.generator has the layers {', '.join(layers)}"
        )
    w = layers[name].output
    try:
        return keras.Model(generator.input, w), keras.Model(w, generator.output)
    except ValueError as error:
        raise UserError(
            f"PathLength.layer is {name!r}, but GAN.generator's images depend on its inputs beside "
            "that layer: name the one that all of them come from, or leave it out for z"
        ) from error

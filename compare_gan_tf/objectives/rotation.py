"""Self-supervision by rotation: SSGAN (Chen et al., 2019)."""

__all__ = ["Rotation"]

import gin
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.objectives.base import DISCRIMINATOR, Objective, Term, View
from compare_gan_tf.objectives.heads import LinearHead, on_several, require_images
from compare_gan_tf.settings.signatures import Count, Factor, checked

_TURNS = 4


@gin.register(module="objectives")
class Rotation(Objective):
    """A linear head on D's features predicts by 0, 90, 180 or 270 degrees an image is turned.

    D pays weight * cross-entropy on reals, and G generator_weight * cross-entropy on its fakes (eq.
    4 and 5; the weights are beta and alpha). Every `one_in`-th image is used, upright and turned
    three times, counter-clockwise, under its label. The upright images are those of `Adversarial`,
    which D scores once.

    Without `Adversarial` this is compare_gan's "rotation_only".

    Args:
      weight: of D's term; published: 1.
      generator_weight: of G's term, a number or a schedule; published: 0.2.
      one_in: k to use every k-th image; divides the batch of a replica. compare_gan's
        rotated_batch_size is 4 batch_size / one_in.
      kernel_norm: reparameterises the head's kernel, e.g. `spectral_norm`; None for none.
      name: prefix of its terms in the logs.
    """

    @checked
    def __init__(
        self,
        weight: Factor = 1.0,
        generator_weight: Factor = 0.2,
        one_in: Count = 4,
        kernel_norm=None,
        name: str = "rotation",
    ):
        super().__init__(weight=weight, name=name)
        self.generator_weight = generator_weight
        self.one_in = one_in
        self.kernel_norm = kernel_norm

    def build_for(self, gan):
        require_images(self, gan, square=True)
        self.head = LinearHead(gan.discriminator, _TURNS, kernel_norm=self.kernel_norm)

    def views(self, player, game, samples):
        upright = samples.real_view if player == DISCRIMINATOR else samples.fake_view
        return {"upright": upright, "turned": self._turned(upright)}

    def _turned(self, view: View) -> View:
        """The chosen images turned by 90, then by 180, then by 270 degrees."""
        if view.images.shape[0] % self.one_in:
            raise UserError(
                f"Rotation.one_in is {self.one_in}: it must divide the batch of a replica, "
                f"or of GAN.accumulation's micro-batch, which is {view.images.shape[0]}"
            )
        chosen = view.images[:: self.one_in]
        turned = [tf.image.rot90(chosen, turns) for turns in range(1, _TURNS)]
        labels = view.labels
        if labels is not None:
            labels = tf.concat([labels[:: self.one_in]] * (_TURNS - 1), 0)
        return View(tf.concat(turned, 0), labels)

    def _values(self, scored):
        chosen = scored["upright"].features[:: self.one_in]
        features = tf.concat([chosen, scored["turned"].features], 0)
        (logits,) = on_several(self.head, features)
        turns = tf.repeat(tf.range(_TURNS), chosen.shape[0])
        return tf.nn.sparse_softmax_cross_entropy_with_logits(turns, logits)

    def discriminator(self, game, samples, scored):
        return [Term("", self._values(scored))]

    def generator(self, game, samples, scored):
        return [Term("", self._values(scored), factor=self.generator_weight)]

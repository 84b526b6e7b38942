"""Adaptive pseudo augmentation (Jiang et al., 2021): fakes among the reals that D sees."""

__all__ = ["APA"]

import gin
import tensorflow as tf

from compare_gan_tf.augment.controllers import AController, Controlled
from compare_gan_tf.settings.signatures import checked


@gin.register(module="augment")
class APA(Controlled):
    """Replaces each real by a fake, under the fake's label, with probability p.

    p rises while D is too confident of its reals: r = E[sign(D(x))] (section 3.2) is the mean over
    all samples that D saw as real, including these fakes, as in the published code. That code takes
    the fakes of G's last update under the labels of the reals; here they are the fakes of the same
    update, without gradient, under their own labels.

    Args:
      controller: of p; None for `Adaptive()`, which has the published target, speed and interval.
    """

    @checked
    def __init__(self, controller: AController | None = None, name: str | None = None):
        super().__init__(controller, name=name)

    def mix(self, real, fake, noise, tag):
        p = self.controller.p.value

        def exchange(real_rows, fake_rows):
            if real_rows is None:
                return None
            number = real_rows.shape[0]
            pseudo = noise.uniform(f"{tag}/pseudo", [number]) < p
            pseudo = tf.reshape(pseudo, [number] + [1] * (len(real_rows.shape) - 1))
            return tf.where(pseudo, tf.stop_gradient(fake_rows[:number]), real_rows)

        return tf.nest.map_structure(exchange, real, fake)

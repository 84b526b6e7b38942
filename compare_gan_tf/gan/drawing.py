"""How samples are drawn from a generator by a seed."""

import keras

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan.alphabets import Alphabet, draw_uniforms
from compare_gan_tf.latents import enough_memory, given_or_drawn, require_draw


class Draws:
    """What draws samples: a mixin for classes with these attributes.

    Attributes:
      sampling_generator: maps {"z"}, and "labels" if conditional, to samples or logits.
      latents: the prior of z.
      num_classes: of a conditional generator, else None.
      alphabet: of a discrete generator, else None.
    """

    sampling_generator: keras.Model
    num_classes: int | None
    alphabet: Alphabet | None

    def sample(self, num, seed=(0, 0), truncation=0.0, labels=None):
        """Samples [num, ...] of the sampling generator: images in [-1, 1], points or characters.

        Args:
          num: int32 scalar, up to 10^7.
          seed: int [2]. The same seed gives the same samples, and the first k of them do not
            depend on `num`.
          truncation: float32 scalar, see `latents`; <= 0 for none.
          labels: int32 [num] for conditional generators; -1 draws a label uniformly, None draws
            all.

        Raises:
          UserError: an argument is wrong, or the samples do not fit into memory.
        """
        with enough_memory(num):
            return self.generate(self.draw_inputs(num, seed, truncation, labels))

    def draw_inputs(self, num, seed, truncation=0.0, labels=None) -> dict:
        """The inputs of `generate` for the samples of `sample`, which has the same arguments."""
        seed = require_draw(num, seed)
        inputs = {"z": self.latents.sample(num, seed, truncation)}
        if self.num_classes:
            inputs["labels"] = given_or_drawn(labels, num, seed, self.num_classes)
        elif labels is not None:
            raise UserError("labels are given to a GAN without: set GAN.conditional = True")
        if self.alphabet:
            inputs["uniforms"] = draw_uniforms(num, seed, self.alphabet)
        return inputs

    def generate(self, inputs: dict):
        """Samples for inputs of `draw_inputs`; each sample depends on its own row alone."""
        inputs = dict(inputs)
        uniforms = inputs.pop("uniforms", None)
        outputs = self.sampling_generator(inputs, training=False)
        if uniforms is None:
            return outputs
        return self.alphabet.decode(self.alphabet.draw(outputs, uniforms))

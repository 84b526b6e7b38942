"""Both players as plain functions of tensors, of which files in other formats are made."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from compare_gan_tf.export import modules, verification

BATCH_SIZES = (1, 3)
TOLERANCE = 1e-4  # of values up to 1, else relative; other libraries sum in another order


class Player(tf.Module):
    """A player with the inputs and outputs of its SavedModel, as one graph.

    Unlike a SavedModel it checks no labels, and takes no empty batch. Converters find the weights
    among the attributes.

    Attributes:
      name: "generator" or "discriminator".
      specs: {name of an input: `tf.TensorSpec`}: "z" or "images" first, then "labels", if any.
      call: `tf.function` of the inputs in this order -> {name of an output: tensor}.
      num_classes: number of classes K of a player with labels, else None.
      model: function without arguments that returns the Keras model.
    """

    def __init__(
        self,
        name: str,
        model: keras.Model,
        outputs: Callable[[dict], dict],
        inputs: Callable[[int], dict],
        num_classes: int | None,
    ):
        super().__init__(name=name)
        ordered = sorted(model.inputs, key=lambda one: one.name == "labels")
        specs = {one.name: tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in ordered}
        self.specs = modules.untracked(specs)
        self.num_classes = num_classes if "labels" in specs else None
        self.weights = [variable.value for variable in model.variables]
        self.model, self._outputs, self._inputs = lambda: model, outputs, inputs

        @tf.function(input_signature=list(specs.values()), autograph=False)
        def call(*values):
            return outputs(dict(zip(specs, values, strict=True)))

        self.call = call

    def check(self, run: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Compares a converted player with the network in memory, on the CPU.

        Args:
          run: calls the converted player: {name of an input: array} -> {name of an output: array}.

        Raises:
          ExportMismatch: an output differs by more than `TOLERANCE`.
        """
        for number in BATCH_SIZES:
            with tf.device("CPU:0"):
                inputs = self._inputs(number)
                expected = self._outputs(inputs)
            found = run({name: values.numpy() for name, values in inputs.items()})
            verification.compare(
                verification.Pair(f"{name} of a batch of {number}", found[name], value, TOLERANCE)
                for name, value in expected.items()
            )


def players(gan) -> dict[str, Player]:
    """{"generator": ..., "discriminator": ...} of a built GAN, as it is exported."""
    generator, discriminator = gan.sampling_generator, gan.discriminator
    alphabet, classes = gan.alphabet, gan.num_classes
    one_hot = bool(alphabet and alphabet.one_hot)
    return {
        "generator": Player(
            "generator",
            generator,
            lambda inputs: modules.generated(generator(inputs, training=False), alphabet),
            lambda num: verification.generator_inputs(generator, gan.latents, num, classes),
            classes,
        ),
        "discriminator": Player(
            "discriminator",
            discriminator,
            lambda inputs: modules.scored(
                discriminator(inputs if one_hot else verification.inside(inputs), training=False)
            ),
            lambda num: verification.discriminator_inputs(discriminator, num, classes),
            classes,
        ),
    }

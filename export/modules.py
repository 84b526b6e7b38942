"""The two players as `tf.Module`s that need nothing of ours once they are saved.

Only plain TensorFlow functions and variables are attached to a module; the Keras models live in
closures. Whoever loads it therefore needs neither our layers nor Keras.
"""

import functools
import types

import tensorflow as tf

from compare_gan_tf.architectures import is_conditional
from compare_gan_tf.data import images as image_codec
from compare_gan_tf.gan.alphabets import draw_uniforms
from compare_gan_tf.latents import given_or_drawn, require_labels

_NUM = tf.TensorSpec([], tf.int32, name="num")
_SEED = tf.TensorSpec([2], tf.int32, name="seed")
_TRUNCATION = tf.TensorSpec([], tf.float32, name="truncation")
_LABELS = tf.TensorSpec([None], tf.int32, name="labels")


def makes_images(generator) -> bool:
    """Whether samples are images [n, H, W, C]; else they are points, which stay as they are."""
    return len(generator.output.shape) == 4


def door(samples):
    """What leaves the module: images go from [-1, 1] to [0, 1], all else stays as it is."""
    if samples.dtype.is_integer:
        return samples
    samples = tf.cast(samples, tf.float32)
    return image_codec.to_unit_interval(samples) if samples.shape.rank == 4 else samples


class _Player(tf.Module):
    """Variables as attributes: `hub.KerasLayer` looks for them, and saving drops properties.

    Whoever loads the module may fine-tune all weights, of an averaged generator too, which is not
    marked as trainable in the run that made it.
    """

    variables = ()
    trainable_variables = ()

    def __init__(self, model, name):
        super().__init__(name=name)
        self.variables = [variable.value for variable in model.variables]
        self.trainable_variables = [value for value in self.variables if value.trainable]

    @tf.function(autograph=False)
    def serve(self, inputs):
        """What `keras.layers.TFSMLayer` calls: all inputs in one tensor, list or dict."""
        return self(inputs)


class GeneratorModule(_Player):
    """A generator: `__call__`, `serve`, `uint8` and `sample`; `probabilities` of a discrete one.

    Args:
      generator: built model from {"z"} or {"z", "labels"} to [n, H, W, C] in [-1, 1] or [n, D], or
        to the logits of a discrete generator.
      latents: `sample(num, seed, truncation)` gives z float32 [num, dim].
      num_classes: K of the labels; only a conditional generator uses it.
      alphabet: of a discrete generator, else None.
    """

    def __init__(self, generator, latents, num_classes=None, alphabet=None):
        super().__init__(generator, "generator")
        self._conditional = is_conditional(generator)
        z = tf.TensorSpec([None, latents.dim], tf.float32, name="z")
        self._specs = _untracked({"z": z} | ({"labels": _LABELS} if self._conditional else {}))
        checked = functools.partial(require_labels, num_classes=num_classes)
        self._raw = _checking(_outputs(generator, self._specs), checked)
        self._draw = _sampler(latents, num_classes if self._conditional else None)
        self._alphabet = None if alphabet is None else _untracked({"": alphabet})
        self._images = makes_images(generator)
        self._trace()

    @tf.function(autograph=False)
    def __call__(self, z, labels=None):
        """Images float32 [n, H, W, C] in [0, 1], points float32 [n, D], or text int32 [n, L].

        A discrete generator's are the most probable ones.
        """
        return door(likeliest(self._raw(*_flat("z", z, labels)), self.alphabet))

    @tf.function(autograph=False)
    def uint8(self, z, labels=None):
        """Images uint8 [n, H, W, C]: floor(255 x + 0.5) of x in [0, 1]."""
        made = likeliest(self._raw(*_flat("z", z, labels)), self.alphabet)
        return image_codec.to_uint8(tf.cast(made, tf.float32))

    @tf.function(autograph=False)
    def sample(self, num, seed, truncation=0.0, labels=None):
        """`num` samples; the first k of `sample(n, seed)` are those of `sample(k, seed)`."""
        outputs = self._raw(*self._draw(num, seed, truncation, labels))
        return door(hard(outputs, self.alphabet, num, seed))

    @tf.function(autograph=False)
    def probabilities(self, z, labels=None):
        """Of a discrete generator: of a 1, [n, H, W, C], or of each symbol on the last axis."""
        return self.alphabet.probabilities(self._raw(*_flat("z", z, labels)))

    @property
    def alphabet(self):
        """Of a discrete generator, else None."""
        return self._alphabet and self._alphabet[""]

    def _trace(self):
        further = [(self.uint8, self._images), (self.probabilities, self.alphabet)]
        endpoints = [endpoint for endpoint, there in further if there]
        _trace_forms((self.__call__, *endpoints), self._specs)
        _trace_served(self.serve, self._specs)
        self.sample.get_concrete_function(_NUM, _SEED)
        self.sample.get_concrete_function(_NUM, _SEED, _TRUNCATION)
        if self._conditional:
            self.sample.get_concrete_function(_NUM, _SEED, labels=_LABELS)
            self.sample.get_concrete_function(_NUM, _SEED, _TRUNCATION, _LABELS)

    def signatures(self) -> dict:
        """Named signatures; inputs and outputs are keywords."""
        generated = _signature(self.__call__, self._specs, output="generated")
        named = {"serving_default": generated, "generator": generated}
        if self._images:
            named["generator_uint8"] = _signature(self.uint8, self._specs, output="generated")
        if self.alphabet:
            signature = _signature(self.probabilities, self._specs, output="probabilities")
            named["generator_probabilities"] = signature
        return named


def likeliest(outputs, alphabet):
    """The samples that a generator's outputs are, or the most probable ones of their logits."""
    return outputs if alphabet is None else alphabet.decode(alphabet.likeliest(outputs))


def hard(outputs, alphabet, num, seed):
    """The samples that a generator's outputs are, or those drawn from their logits for a seed."""
    if alphabet is None:
        return outputs
    uniforms = draw_uniforms(num, seed, alphabet)
    return alphabet.decode(alphabet.draw(outputs, uniforms))


class DiscriminatorModule(_Player):
    """A discriminator: `__call__` and `serve`, on images in [0, 1] or on points.

    Args:
      discriminator: built model from {"images"} or {"images", "labels"} to
        {"logits": [n], "features": [n, F]}; its images are in [-1, 1].
      num_classes: K of its labels int32 [n], -1 where there is none; None where it takes none, or
        probabilities.
      one_hot: whether its images are one-hot vectors, which have no other range outside.
    """

    def __init__(self, discriminator, num_classes=None, *, one_hot: bool = False):
        super().__init__(discriminator, "discriminator")
        shape = sample_shape(discriminator)
        images = tf.TensorSpec([None, *shape], tf.float32, name="images")
        self._scaled = len(shape) == 3 and not one_hot
        own = (tensor for tensor in discriminator.inputs if tensor.name == "labels")
        labels = {one.name: tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in own}
        self._specs = _untracked({"images": images} | labels)
        checked = functools.partial(require_labels, num_classes=num_classes, least=-1)
        whole = num_classes and self._specs.get("labels", images).dtype.is_integer
        raw = _outputs(discriminator, self._specs)
        self._raw = _checking(raw, checked) if whole else raw
        _trace_forms((self.__call__,), self._specs)
        _trace_served(self.serve, self._specs)

    @tf.function(autograph=False)
    def __call__(self, images, labels=None):
        """{"logits": [n], "probability": [n] of being real, "features": [n, F]}, float32."""
        images, labels = _flat("images", images, labels)
        if self._scaled:
            images = image_codec.from_unit_interval(images)
        outputs = self._raw(images, labels)
        logits = tf.cast(outputs["logits"], tf.float32)
        features = tf.cast(outputs["features"], tf.float32)
        return {"logits": logits, "probability": tf.sigmoid(logits), "features": features}

    def signatures(self) -> dict:
        """Named signatures; inputs and outputs are keywords."""
        scored = _signature(self.__call__, self._specs)
        return {"serving_default": scored, "discriminator": scored}


def sample_shape(discriminator) -> tuple[int, ...]:
    """(H, W, C) or (D,) of what a discriminator looks at."""
    images = next(tensor for tensor in discriminator.inputs if tensor.name == "images")
    return tuple(images.shape[1:])


def _untracked(specs: dict):
    """A read-only view, which a `tf.Module` does not save as part of itself."""
    return types.MappingProxyType(specs)


def _checking(outputs, checked):
    """`outputs` of labels that `checked`, a function of them, has let pass."""
    return lambda inputs, labels: outputs(inputs, None if labels is None else checked(labels))


def _outputs(model, specs):
    """One graph of `model` in inference mode, shared by every endpoint and form."""

    @tf.function(input_signature=list(specs.values()))
    def graph(*inputs):
        # Some kernels of TensorFlow, such as oneDNN's fused convolutions, fail on no samples: of
        # those one is computed, and left out again.
        number = tf.shape(inputs[0])[0]
        filled = [_at_least_one(values, number) for values in inputs]
        found = model(dict(zip(specs, filled, strict=True)), training=False)
        return tf.nest.map_structure(lambda values: values[:number], found)

    def outputs(inputs, labels):
        return graph(inputs) if labels is None else graph(inputs, labels)

    return outputs  # a plain function: nothing of it is saved under a name


def _at_least_one(values, number):
    """`values` [n, ...] of `number` = n, or one row of zeros in the place of none."""
    missing = tf.cast(tf.equal(number, 0), tf.int32)
    return tf.pad(values, [[0, missing], *([[0, 0]] * (values.shape.rank - 1))])


def _sampler(latents, num_classes):
    """Draws (z, labels) from a seed; labels are None without classes, and drawn where -1."""

    def draw(num, seed, truncation, labels):
        z = latents.sample(num, seed, truncation)
        if num_classes is None:
            return z, None
        return z, given_or_drawn(labels, num, seed, num_classes)

    return draw


def _flat(name: str, inputs, labels) -> tuple:
    """(inputs, labels) from any of the forms (x, labels), [x, labels] and {name, "labels"}."""
    if isinstance(inputs, dict):
        return inputs[name], inputs.get("labels")
    if isinstance(inputs, list | tuple):
        return inputs[0], inputs[1] if len(inputs) == 2 else None
    return inputs, labels


def _forms(specs) -> list:
    """The ways to give all inputs in one argument."""
    values = list(specs.values())
    return [dict(specs), values, tuple(values), *(values if len(values) == 1 else [])]


def _trace_served(endpoint, specs):
    for form in _forms(specs):
        endpoint.get_concrete_function(form)


def _trace_forms(endpoints, specs):
    for endpoint in endpoints:
        _trace_served(endpoint, specs)
        if len(specs) > 1:
            endpoint.get_concrete_function(*specs.values())


def _signature(function, specs, output: str | None = None):
    """A function of keyword inputs; its result is a dictionary, or is put in one as `output`."""

    def named(*inputs):
        result = function(*inputs)
        return result if output is None else {output: result}

    return tf.function(named, autograph=False).get_concrete_function(*specs.values())

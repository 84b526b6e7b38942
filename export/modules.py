"""The two players as `tf.Module`s that can be loaded without this package.

A module has only plain TensorFlow functions and variables as attributes; the Keras models are
captured in closures. So a loaded module needs neither the layers of this package nor Keras.
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
    """Whether the samples are images [n, H, W, C]; otherwise they are points."""
    return len(generator.output.shape) == 4


def to_output_range(samples):
    """Converts images from [-1, 1] to [0, 1]; all other samples are unchanged."""
    if samples.dtype.is_integer:
        return samples
    samples = tf.cast(samples, tf.float32)
    return image_codec.to_unit_interval(samples) if samples.shape.rank == 4 else samples


class _Player(tf.Module):
    """Base class of both modules, with the variables as attributes.

    `hub.KerasLayer` reads these attributes, and saving would drop properties. All weights can be
    fine-tuned in a loaded module, also those of an EMA generator, which is not trainable in its
    run.
    """

    variables = ()
    trainable_variables = ()

    def __init__(self, model, name):
        super().__init__(name=name)
        self.variables = [variable.value for variable in model.variables]
        self.trainable_variables = [value for value in self.variables if value.trainable]

    @tf.function(autograph=False)
    def serve(self, inputs):
        """Endpoint for `keras.layers.TFSMLayer`: takes all inputs in one tensor, list or dict."""
        return self(inputs)


class GeneratorModule(_Player):
    """A generator with the endpoints `__call__`, `serve`, `uint8` and `sample`.

    A discrete generator also has the endpoint `probabilities`.

    Args:
      generator: built model that maps {"z"} or {"z", "labels"} to images [n, H, W, C] in [-1, 1],
        to points [n, D], or to the logits of a discrete generator.
      latents: the prior; `sample(num, seed, truncation)` returns z float32 [num, dim].
      num_classes: number of classes K of a conditional generator, else None.
      alphabet: alphabet of a discrete generator, else None.
    """

    def __init__(self, generator, latents, num_classes=None, alphabet=None):
        super().__init__(generator, "generator")
        self._conditional = is_conditional(generator)
        z = tf.TensorSpec([None, latents.dim], tf.float32, name="z")
        self._specs = untracked({"z": z} | ({"labels": _LABELS} if self._conditional else {}))
        checked = functools.partial(require_labels, num_classes=num_classes)
        self._raw = _checking(_outputs(generator, self._specs), checked)
        self._draw = _sampler(latents, num_classes if self._conditional else None)
        self._alphabet = None if alphabet is None else untracked({"": alphabet})
        self._images = makes_images(generator)
        self._trace()

    @tf.function(autograph=False)
    def __call__(self, z, labels=None):
        """Images float32 [n, H, W, C] in [0, 1], points float32 [n, D], or text int32 [n, L].

        A discrete generator returns the most probable symbols.
        """
        outputs = self._raw(*_flat("z", z, labels))
        return to_output_range(most_probable(outputs, self.alphabet))

    @tf.function(autograph=False)
    def uint8(self, z, labels=None):
        """Images uint8 [n, H, W, C]: floor(255 x + 0.5) of x in [0, 1]."""
        made = most_probable(self._raw(*_flat("z", z, labels)), self.alphabet)
        return image_codec.to_uint8(tf.cast(made, tf.float32))

    @tf.function(autograph=False)
    def sample(self, num, seed, truncation=0.0, labels=None):
        """`num` samples; the first k samples for a seed do not depend on `num`."""
        outputs = self._raw(*self._draw(num, seed, truncation, labels))
        return to_output_range(drawn(outputs, self.alphabet, num, seed))

    @tf.function(autograph=False)
    def probabilities(self, z, labels=None):
        """Probabilities of a discrete generator, float32.

        For bits: the probability of 1, [n, H, W, C]. Otherwise the last axis has one probability
        per symbol.
        """
        return self.alphabet.probabilities(self._raw(*_flat("z", z, labels)))

    @property
    def alphabet(self):
        """The alphabet of a discrete generator, else None."""
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
        """{name: signature} with keyword inputs and a dict of outputs."""
        generated = _signature(self.__call__, self._specs, output="generated")
        named = {"serving_default": generated, "generator": generated}
        if self._images:
            named["generator_uint8"] = _signature(self.uint8, self._specs, output="generated")
        if self.alphabet:
            signature = _signature(self.probabilities, self._specs, output="probabilities")
            named["generator_probabilities"] = signature
        return named


def generated(outputs, alphabet) -> dict:
    """{"generated"} of a generator's outputs, and {"probabilities"} of a discrete one's."""
    made = {"generated": to_output_range(most_probable(outputs, alphabet))}
    return made | ({"probabilities": alphabet.probabilities(outputs)} if alphabet else {})


def most_probable(outputs, alphabet):
    """A generator's samples: its outputs, or for a discrete one the most probable symbols."""
    return outputs if alphabet is None else alphabet.decode(alphabet.likeliest(outputs))


def drawn(outputs, alphabet, num, seed):
    """A generator's samples: its outputs, or for a discrete one symbols drawn from its logits."""
    if alphabet is None:
        return outputs
    uniforms = draw_uniforms(num, seed, alphabet)
    return alphabet.decode(alphabet.draw(outputs, uniforms))


class DiscriminatorModule(_Player):
    """A discriminator with the endpoints `__call__` and `serve`, for images in [0, 1] or points.

    Args:
      discriminator: built model that maps {"images"} or {"images", "labels"} to
        {"logits": [n], "features": [n, F]}; its images are in [-1, 1].
      num_classes: number of classes K of labels int32 [n], where -1 means unlabelled; None if it
        takes no labels, or probabilities.
      one_hot: whether its images are one-hot vectors, which are not rescaled.
    """

    def __init__(self, discriminator, num_classes=None, *, one_hot: bool = False):
        super().__init__(discriminator, "discriminator")
        shape = sample_shape(discriminator)
        images = tf.TensorSpec([None, *shape], tf.float32, name="images")
        self._scaled = len(shape) == 3 and not one_hot
        own = (tensor for tensor in discriminator.inputs if tensor.name == "labels")
        labels = {one.name: tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in own}
        self._specs = untracked({"images": images} | labels)
        checked = functools.partial(require_labels, num_classes=num_classes, least=-1)
        whole = num_classes and self._specs.get("labels", images).dtype.is_integer
        raw = _outputs(discriminator, self._specs)
        self._raw = _checking(raw, checked) if whole else raw
        _trace_forms((self.__call__,), self._specs)
        _trace_served(self.serve, self._specs)

    @tf.function(autograph=False)
    def __call__(self, images, labels=None):
        """{"logits": [n], "probability": [n], "features": [n, F]}, float32.

        `probability` is the probability that a sample is real, sigmoid(logits).
        """
        images, labels = _flat("images", images, labels)
        if self._scaled:
            images = image_codec.from_unit_interval(images)
        return scored(self._raw(images, labels))

    def signatures(self) -> dict:
        """{name: signature} with keyword inputs and a dict of outputs."""
        scored = _signature(self.__call__, self._specs)
        return {"serving_default": scored, "discriminator": scored}


def scored(outputs: dict) -> dict:
    """{"logits", "probability", "features"}, float32, of a discriminator's outputs."""
    logits = tf.cast(outputs["logits"], tf.float32)
    features = tf.cast(outputs["features"], tf.float32)
    return {"logits": logits, "probability": tf.sigmoid(logits), "features": features}


def sample_shape(discriminator) -> tuple[int, ...]:
    """Shape (H, W, C) or (D,) of a discriminator's input samples."""
    images = next(tensor for tensor in discriminator.inputs if tensor.name == "images")
    return tuple(images.shape[1:])


def untracked(specs: dict):
    """A read-only view of a dict; `tf.Module` would track and save a plain dict attribute."""
    return types.MappingProxyType(specs)


def _checking(outputs, checked):
    """A function like `outputs` that first passes the labels through the check `checked`."""
    return lambda inputs, labels: outputs(inputs, None if labels is None else checked(labels))


def _outputs(model, specs):
    """One graph of `model` in inference mode, shared by all endpoints and input forms."""

    @tf.function(input_signature=list(specs.values()))
    def graph(*inputs):
        # Some kernels of TensorFlow, such as oneDNN's fused convolutions, fail on an empty batch:
        # one sample is computed instead, and then removed.
        number = tf.shape(inputs[0])[0]
        filled = [_at_least_one(values, number) for values in inputs]
        found = model(dict(zip(specs, filled, strict=True)), training=False)
        return tf.nest.map_structure(lambda values: values[:number], found)

    def outputs(inputs, labels):
        return graph(inputs) if labels is None else graph(inputs, labels)

    return outputs  # a plain function, which is not saved as an attribute


def _at_least_one(values, number):
    """`values` [n, ...] with `number` = n rows; one row of zeros if n = 0."""
    missing = tf.cast(tf.equal(number, 0), tf.int32)
    return tf.pad(values, [[0, missing], *([[0, 0]] * (values.shape.rank - 1))])


def _sampler(latents, num_classes):
    """A function that draws (z, labels); labels of -1 are drawn too, and None without classes."""

    def draw(num, seed, truncation, labels):
        z = latents.sample(num, seed, truncation)
        if num_classes is None:
            return z, None
        return z, given_or_drawn(labels, num, seed, num_classes)

    return draw


def _flat(name: str, inputs, labels) -> tuple:
    """(inputs, labels) from any of the input forms (x, labels), [x, labels], {name, "labels"}."""
    if isinstance(inputs, dict):
        return inputs[name], inputs.get("labels")
    if isinstance(inputs, list | tuple):
        return inputs[0], inputs[1] if len(inputs) == 2 else None
    return inputs, labels


def _forms(specs) -> list:
    """The forms in which one argument can hold all inputs: dict, list, tuple, or one tensor."""
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
    """A concrete function with keyword inputs, which returns a dict.

    `output` is the key of the result if the function itself does not return a dict.
    """

    def named(*inputs):
        result = function(*inputs)
        return result if output is None else {output: result}

    return tf.function(named, autograph=False).get_concrete_function(*specs.values())

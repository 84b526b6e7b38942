"""The standard deviation over groups of samples, as maps for D (Karras et al., 2018, section 3)."""

import keras
import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import add_state, in_full_precision
from compare_gan_tf.layers.batch_statistics import replica_mean
from compare_gan_tf.layers.state import is_frozen, view_sizes
from compare_gan_tf.random import place
from compare_gan_tf.settings.signatures import Count, Fraction, checked

_SMALL = 1e-8


@keras.saving.register_keras_serializable(package="compare_gan_tf")
class MinibatchStd(keras.layers.Layer):
    """Appends maps of standard deviations: x [n, h, w, c] -> [n, h, w, c + features].

    In training, samples are in groups of neighbours in the batch. At each pixel and channel of a
    group s = sqrt(variance over the group + 1e-8); feature f is the mean of s over all pixels and
    over the f-th of `features` equal parts of the channels, the same at each pixel and for each
    sample of the group.

    A group has samples of one view only: of reals or of fakes. It has the same samples on any
    number of replicas, as it must not reach over the border of two. So the scores of a view do not
    depend on other views, but those of a group's samples do on each other.

    In inference, when a score must not depend on other samples, features are moving averages of
    those in D's updates: m <- momentum m + (1 - momentum) mean over the global batch.

    Args:
      group_size: samples of a group; all of the batch if it has fewer.
      features: number of maps; it divides the channels.
      momentum: of the moving averages.

    Raises:
      UserError: the group size does not divide the batch of a replica.
    """

    @checked
    def __init__(
        self, group_size: Count = 4, features: Count = 1, momentum: Fraction = 0.99, **layer
    ):
        super().__init__(**layer)
        self.group_size, self.features, self.momentum = group_size, features, momentum

    def build(self, input_shape):
        self.moving = add_state(self, "moving", shape=(self.features,))

    @in_full_precision
    def call(self, x, training=False):
        if training:
            sizes = view_sizes()
            views = tf.split(x, sizes) if sizes else [x]
            values = tf.concat([self._of_groups(view) for view in views], 0)
            self._follow(values)
        else:
            values = tf.ones_like(x[:, 0, 0, :1]) * tf.convert_to_tensor(self.moving)
        maps = values[:, None, None] * tf.ones((1, *x.shape[1:3], 1), x.dtype)
        return tf.concat([x, maps], -1)

    def _of_groups(self, x):
        """The features [n, features] of the samples x [n, h, w, c] of one view."""
        number, height, width, channels = x.shape
        group = self.group_size if number is None else min(self.group_size, number * place()[1])
        if number is not None and number % group:
            raise UserError(
                f"minibatch standard deviation has groups of {group} samples, which do not divide "
                f"the {number} of a replica: change the group size, the batch or the number of "
                "replicas"
            )
        parts = (height, width, self.features, channels // self.features)
        x = tf.reshape(x, (-1, group, *parts))
        spread = tf.math.squared_difference(x, tf.reduce_mean(x, 1, keepdims=True))
        std = tf.sqrt(tf.reduce_mean(spread, 1) + _SMALL)  # [groups, h, w, features, c]
        values = tf.reduce_mean(std, (1, 2, 4))[:, None]
        # Not tf.repeat: under XLA the branch of a lazy objective has no gradient of it.
        return tf.reshape(values * tf.ones((1, group, 1), x.dtype), (-1, self.features))

    def _follow(self, values):
        if not is_frozen():
            mean = replica_mean(tf.stop_gradient(tf.reduce_mean(values, 0)))
            self.moving.assign(self.momentum * self.moving + (1.0 - self.momentum) * mean)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.features)

    def get_config(self):
        own = ("group_size", "features", "momentum")
        return super().get_config() | {name: getattr(self, name) for name in own}

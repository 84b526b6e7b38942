"""A training step of two GANs of the GAN landscape beside the arithmetic of its compare_gan.

Their step is written here as compare_gan 3 computes it, on the TensorFlow of this package: G
upsamples by inserting zeros and D downsamples by the mean, both beside a whole 3x3 convolution; the
moments of batch norm are sums; D sees reals and fakes in one pass, also in the update of G, which
needs no reals; and each update makes its own fakes. Ours is the config of the landscape, with fresh
fakes for G and, as it is written, with D's last batch (`GAN.reuse_last_batch`). Both on random
images, in turn, one thread. Prints the medians of the rounds and theirs over ours.

  python benchmarks/ancestor_speed.py --rounds=3
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import gin
import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf import config
from compare_gan_tf.config import configurables
from compare_gan_tf.gan import step_products

BATCH, LATENTS, SHAPE = 64, 128, (32, 32, 3)


# --- compare_gan's arithmetic -----------------------------------------------------------------


class Layers:
    """The layers of one player; the first call of each makes its variables.

    Args:
      spectral: whether kernels are divided by their largest singular value.
    """

    def __init__(self, spectral: bool):
        self._spectral, self._made = spectral, {}

    @property
    def trained(self) -> list:
        """Kernels, biases, gains and offsets."""
        return [one for one in self._made.values() if one.trainable]

    def _variable(self, name, shape, deviation=0.0, mean=0.0, trainable=True):
        if name not in self._made:
            first = np.random.default_rng(len(self._made)).normal(mean, deviation, shape)
            self._made[name] = tf.Variable(first.astype(np.float32), trainable=trainable)
        return self._made[name]

    def _kernel(self, name, shape):
        kernel = self._variable(f"{name}/kernel", shape, 0.02)
        if not self._spectral:
            return kernel
        matrix = tf.reshape(kernel, (-1, shape[-1]))
        u = self._variable(f"{name}/u", (matrix.shape[0], 1), 1.0, trainable=False)
        v = tf.math.l2_normalize(tf.matmul(matrix, u, transpose_a=True))
        next_u = tf.math.l2_normalize(tf.matmul(matrix, v))
        u.assign(tf.stop_gradient(next_u))
        u, v = tf.stop_gradient(next_u), tf.stop_gradient(v)
        return kernel / tf.matmul(tf.matmul(u, matrix, transpose_a=True), v)[0, 0]

    def dense(self, name, x, units):
        bias = self._variable(f"{name}/bias", (units,))
        return tf.matmul(x, self._kernel(name, (x.shape[1], units))) + bias

    def conv(self, name, x, channels, size=3, strides=1):
        kernel = self._kernel(name, (size, size, x.shape[3], channels))
        bias = self._variable(f"{name}/bias", (channels,))
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides, "SAME"), bias)

    def transposed(self, name, x, channels):
        kernel = self._kernel(name, (4, 4, channels, x.shape[3]))
        bias = self._variable(f"{name}/bias", (channels,))
        shape = (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], channels)
        return tf.nn.bias_add(tf.nn.conv2d_transpose(x, kernel, shape, 2, "SAME"), bias)

    def batch_norm(self, name, x):
        gamma = self._variable(f"{name}/gamma", x.shape[-1:], mean=1.0)
        beta = self._variable(f"{name}/beta", x.shape[-1:])
        axes = [*range(len(x.shape) - 1)]
        count, total, squares, _ = tf.nn.sufficient_statistics(x, axes)
        mean = total / count
        variance = squares / count - tf.square(mean)
        for average, value in (("mean", mean), ("variance", variance)):
            kept = self._variable(f"{name}/{average}", x.shape[-1:], trainable=False)
            kept.assign(0.999 * kept + 0.001 * value)
        return (x - mean) * tf.math.rsqrt(variance + 1e-3) * gamma + beta


def with_zeros(x):
    """Twice the side: each value, and three zeros."""
    n, height, width, channels = x.shape
    x = tf.concat([x, tf.zeros_like(x)], -1)
    x = tf.reshape(x, (n, height, 2 * width, channels))
    x = tf.concat([x, tf.zeros_like(x)], 2)
    return tf.reshape(x, (n, 2 * height, 2 * width, channels))


def mean_pool(x):
    return tf.nn.avg_pool2d(x, 2, 2, "SAME")


def sndcgan_g(layers, z):
    x = layers.dense("fc", z, 512 * 4 * 4)
    x = tf.reshape(tf.nn.relu(layers.batch_norm("bn", x)), (-1, 4, 4, 512))
    for channels in (256, 128, 64):
        x = layers.transposed(f"deconv{channels}", x, channels)
        x = tf.nn.relu(layers.batch_norm(f"bn{channels}", x))
    return (tf.tanh(layers.conv("last", x, 3)) + 1.0) / 2.0


def sndcgan_d(layers, x):
    x = 2.0 * x - 1.0
    sizes = ((64, 3, 1), (128, 4, 2), (128, 3, 1), (256, 4, 2), (256, 3, 1), (512, 4, 2))
    for index, (channels, size, strides) in enumerate((*sizes, (512, 3, 1))):
        x = tf.nn.leaky_relu(layers.conv(f"conv{index}", x, channels, size, strides), 0.1)
    return layers.dense("fc", tf.reshape(x, (x.shape[0], -1)), 1)


def resnet_g(layers, z):
    x = tf.reshape(layers.dense("fc", z, 256 * 4 * 4), (-1, 4, 4, 256))
    for block in range(3):
        shortcut = layers.conv(f"{block}/shortcut", with_zeros(x), 256)
        x = tf.nn.relu(layers.batch_norm(f"{block}/bn1", x))
        x = layers.conv(f"{block}/conv1", with_zeros(x), 256)
        x = tf.nn.relu(layers.batch_norm(f"{block}/bn2", x))
        x = layers.conv(f"{block}/conv2", x, 256) + shortcut
    x = tf.nn.relu(layers.batch_norm("bn", x))
    return tf.sigmoid(layers.conv("last", x, 3))


def resnet_d(layers, x):
    for block, halves in enumerate((True, True, False, False)):
        shortcut = layers.conv(f"{block}/shortcut", x, 128)
        x = layers.conv(f"{block}/conv1", tf.nn.relu(x), 128)
        x = layers.conv(f"{block}/conv2", tf.nn.relu(x), 128)
        x = mean_pool(x) + mean_pool(shortcut) if halves else x + shortcut
    return layers.dense("fc", tf.reduce_mean(tf.nn.relu(x), (1, 2)), 1)


def theirs(generator, discriminator, d_steps: int, spectral: bool):
    """A function of one step: `d_steps` updates of D, and one of G with the last batch."""
    g, d = Layers(False), Layers(spectral)
    optimizers = [keras.optimizers.Adam(2e-4, 0.5, 0.999) for _ in range(2)]
    noise = np.random.default_rng(0)
    images = noise.integers(0, 256, (d_steps, BATCH, *SHAPE), np.uint8)
    latents = noise.uniform(-1, 1, (d_steps, BATCH, LATENTS)).astype(np.float32)

    def both(z, real, of_g: bool):
        """The losses of D and G, both non-saturating; of one pass of D."""
        fake = generator(g, z)
        fake = fake if of_g else tf.stop_gradient(fake)
        on_real, on_fake = tf.split(discriminator(d, tf.concat([real, fake], 0)), 2)
        d_loss = tf.reduce_mean(tf.nn.softplus(-on_real)) + tf.reduce_mean(tf.nn.softplus(on_fake))
        return tf.reduce_mean(tf.nn.softplus(-on_fake)) if of_g else d_loss

    def update(z, real, of_g: bool):
        variables = (g if of_g else d).trained
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            loss = both(z, real, of_g)
        optimizers[of_g].apply(tape.gradient(loss, variables), variables)
        return loss

    def step():
        for batch, z in zip(images, latents, strict=True):
            real = tf.cast(batch, tf.float32) / 255.0
            update(z, real, of_g=False)
        return update(z, real, of_g=True)

    both(tf.zeros((BATCH, LATENTS)), tf.zeros((BATCH, *SHAPE)), of_g=False)  # makes the variables
    for optimizer, player in zip(optimizers, (d, g), strict=True):
        optimizer.build(player.trained)
    return tf.function(step, autograph=False)


# --- Ours -------------------------------------------------------------------------------------


def ours(config_file: str, *bindings: str):
    """A function of one step of the config, as `train` compiles it."""
    config.parse([config_file], bindings)
    gan = gin.get_configurable("GAN")(SHAPE, None)
    images = np.random.default_rng(0).integers(0, 256, (BATCH, gan.slices, *SHAPE), np.uint8)
    return tf.function(lambda: gan.train_step((tf.constant(images), None)), autograph=False)


# {name: (config, their G, their D, updates of D in a step, whether D has spectral norm)}
CASES = {
    "ResNet-CIFAR": ("resnet_cifar10.gin", resnet_g, resnet_d, 5, False),
    "SNDCGAN-32": ("sndcgan_cifar10_sn.gin", sndcgan_g, sndcgan_d, 1, True),
}


def seconds(step) -> float:
    begun = time.process_time()
    tf.nest.map_structure(lambda value: value.numpy(), step())
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names of what is measured")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    configurables.load()
    for case, (file, *their) in CASES.items():
        if arguments.only not in case:
            continue
        steps = {
            "theirs": theirs(*their),
            "ours, fresh fakes": ours(f"landscape/{file}", "GAN.reuse_last_batch = False"),
            "ours": ours(f"landscape/{file}"),
        }
        spent = {name: [] for name in steps}
        for _ in range(arguments.rounds + 1):
            for name, step in steps.items():
                spent[name].append(seconds(step))
        for name, step in steps.items():
            median = statistics.median(spent[name][1:])  # without the tracing
            products = sum(step_products.products(step.get_concrete_function().graph).values())
            ratio = statistics.median(
                a / b for a, b in zip(spent["theirs"][1:], spent[name][1:], strict=True)
            )
            print(
                f"{case}, {name:18} {median:6.2f} CPU-seconds a step, {products / 1e9:6.1f} billion"
                f" multiply-adds; theirs over it {ratio:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

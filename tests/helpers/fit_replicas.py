"""Fits one GAN on one device and one on two logical ones; run by test_fit_replicas.py.

Prints JSON: for each form of the data {"largest": difference of two weights, "moved": of one}, and
under "refused" what is said of batches of an odd size.
"""

import json

import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from small_gan import make, values  # noqa: E402

from compare_gan_tf import UserError  # noqa: E402
from compare_gan_tf.objectives import GradientPenalty, losses  # noqa: E402

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(50, 4, 4, 1), dtype=np.uint8)
SAMPLES = tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(50) % 3))
FORMS = {
    "batches": (SAMPLES.batch(8), {}),
    "batches of one size": (SAMPLES.batch(8, drop_remainder=True), {}),
    "samples": (SAMPLES, {"batch_size": 8}),
    "floats": (SAMPLES.map(lambda x, y: (tf.cast(x, tf.float32) / 255, y)).batch(8), {}),
}


def built(strategy):
    with strategy.scope():
        return make([losses.hinge, GradientPenalty()], d_steps=2, conditional=True)


def main():
    one = tf.distribute.get_strategy()
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    found = {}
    for name, (stream, options) in FORMS.items():
        gans = [built(strategy) for strategy in (one, two)]
        before = values(gans[0])
        for gan in gans:
            gan.fit(stream, epochs=2, verbose=0, **options)
            assert gan.current_step == 12
        after = [values(gan) for gan in gans]
        largest = max(np.abs(a - b).max() for a, b in zip(*after, strict=True))
        moved = max(np.abs(a - b).max() for a, b in zip(before, after[0], strict=True))
        found[name] = {"largest": float(largest), "moved": float(moved)}
    found["refused"] = []
    for stream, options in ((SAMPLES.batch(7), {}), (SAMPLES, {"batch_size": 7})):
        try:
            built(two).fit(stream, verbose=0, **options)
        except UserError as error:
            found["refused"].append(str(error))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

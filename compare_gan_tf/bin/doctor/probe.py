"""Imports TensorFlow, lists its devices, and multiplies matrices for two seconds; prints JSON.

    python -m compare_gan_tf.bin.doctor.probe

It is a process of its own: a TensorFlow that does not fit the processor ends it by a signal.
"""

import json
import time

_SIDE = 1024
_SECONDS = 2.0
_TOLERANCE = 2e-2  # of sums of 1024 products of standard normals; TF32 and bfloat16 are rounder
_ROUND = 1.0  # on TPUs, whose products are of bfloat16


def main() -> None:
    """Prints what is found."""
    start = time.perf_counter()
    import tensorflow as tf

    found = {"import_seconds": time.perf_counter() - start, "tensorflow": tf.__version__}
    import keras

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(one) for one in gpus]
    found |= {
        "keras_backend": keras.backend.backend(),
        "gpus": [one.get("device_name", "a GPU") for one in details],
        "tpus": [one.name for one in tf.config.list_logical_devices("TPU")],
        "is_built_with_cuda": tf.test.is_built_with_cuda(),
        "device": "GPU:0" if gpus else "CPU:0",
    }
    print(json.dumps(found | _product(found["device"])))


def _product(device: str) -> dict:
    """{"multiply_adds_per_second", "largest_error", "tolerance"} of a matrix product."""
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    left, right = random.standard_normal((2, _SIDE, _SIDE)).astype(np.float32)
    with tf.device(device):
        a, b = tf.constant(left), tf.constant(right)
        error = np.abs((a @ b).numpy() - left.astype(np.float64) @ right).max()
        start, number = time.perf_counter(), 0
        while (seconds := time.perf_counter() - start) < _SECONDS:
            (a @ b).numpy()
            number += 1
    rate = number * _SIDE**3 / seconds
    tolerance = _TOLERANCE if device.startswith("CPU") else _ROUND
    return {
        "multiply_adds_per_second": rate,
        "largest_error": float(error),
        "tolerance": tolerance,
    }


if __name__ == "__main__":
    main()

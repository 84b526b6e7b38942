"""One and two replicas on the CPU, in a process of their own: devices precede all computation."""

import collections
import os
import subprocess
import sys

import numpy as np
import tensorflow as tf


def one_and_two() -> dict[int, tf.distribute.Strategy]:
    """{replicas: the default strategy, or one over two logical CPU devices}."""
    logical = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return {1: tf.distribute.get_strategy(), 2: two}


def write(output: str, cases: dict, train) -> None:
    """Saves {"replicas|case|name": array} of train(strategy, case) -> {name: array}."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # half the time
    found = {
        f"{replicas}|{name}|{key}": value
        for replicas, strategy in one_and_two().items()
        for name, case in cases.items()
        for key, value in train(strategy, case).items()
    }
    np.savez(output, **found)


def run(script: str, *arguments) -> None:
    """Runs a script of helpers/ to its end."""
    path = os.path.join(os.path.dirname(__file__), script)
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, path, *map(str, arguments)], check=True, env=environment)


def read(output: str) -> dict[int, dict[str, dict[str, np.ndarray]]]:
    """{replicas: {case: {name: array}}} of what `write` saved."""
    found = {1: collections.defaultdict(dict), 2: collections.defaultdict(dict)}
    for key, value in np.load(output).items():
        replicas, case, name = key.split("|")
        found[int(replicas)][case][name] = value
    return found

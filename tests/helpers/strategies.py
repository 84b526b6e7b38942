"""Several replicas on the CPU."""

import tensorflow as tf


def make_strategy(replicas: int) -> tf.distribute.Strategy:
    """The default strategy, or one over this many logical CPU devices."""
    if replicas == 1:
        return tf.distribute.get_strategy()
    logical = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])

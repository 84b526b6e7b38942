"""Runs each norm that looks at the batch for three training passes, on one and two
replicas; run by test_norm_replicas.py.

Usage: norm_replicas.py OUTPUT.npz
"""

import functools
import sys

import keras
import numpy as np
import strategies
import tensorflow as tf

from compare_gan_tf import layers

NORMS = {
    "batch_norm": layers.batch_norm,
    "conditional_batch_norm": functools.partial(
        layers.conditional_batch_norm, kernel_norm=layers.spectral_norm
    ),
    "self_modulation": functools.partial(layers.self_modulation, kernel_norm=layers.weight_norm),
    "virtual_batch_norm": layers.virtual_batch_norm,
}
BATCH = 8
RATE = 0.1


def make(norm):
    keras.utils.set_random_seed(3)
    inputs = {
        "x": keras.Input((3, 2, 4), name="x"),
        "z": keras.Input((5,), name="z"),
        "labels": keras.Input((3,), name="labels"),
    }
    layer = norm(name="norm")
    asked = [inputs[kind] for kind in getattr(layer, "conditions", ())]
    x = layer([inputs["x"], *asked]) if asked else layer(inputs["x"])
    return keras.Model(inputs, x)


def global_batch(seed):
    rng = np.random.default_rng(seed)
    shapes = {"x": (BATCH, 3, 2, 4), "z": (BATCH, 5), "labels": (BATCH, 3)}
    batch = {name: rng.normal(seed, 2.0, shape) for name, shape in shapes.items()}
    batch["weights"] = rng.normal(size=shapes["x"])
    return {name: value.astype(np.float32) for name, value in batch.items()}


def train(strategy, norm) -> dict[str, np.ndarray]:
    """Outputs and summed gradients of each pass, and the variables of every replica at the end."""
    keras.utils.clear_session()  # names count anew
    with strategy.scope():
        model = make(norm)

    @functools.partial(tf.function, autograph=False)
    def step(batch):
        def on_replica(inputs):
            with tf.GradientTape() as tape:
                y = model({k: v for k, v in inputs.items() if k != "weights"}, training=True)
                loss = tf.reduce_sum(y * y * inputs["weights"])
            gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
                variable.assign(variable - RATE * gradient / (BATCH * 6))
            return y, gradients

        return strategy.run(on_replica, args=(batch,))

    found = {}
    for seed in range(3):
        whole = global_batch(seed)
        size = BATCH // strategy.num_replicas_in_sync
        rows = functools.partial(part, whole, size)
        y, gradients = step(strategy.experimental_distribute_values_from_function(rows))
        found[f"y{seed}"] = np.concatenate(strategy.experimental_local_results(y))
        for index, gradient in enumerate(gradients):
            local = strategy.experimental_local_results(gradient)
            found[f"gradient{seed} {index}"] = local[0].numpy()
    for variable in model.variables:
        for local in strategy.experimental_local_results(variable.value):
            last = local.numpy()
            path = f"state {variable.path}"
            assert np.array_equal(found.setdefault(path, last), last), f"{path} diverged"
    return found | standing(model)


def standing(model):
    """The moving statistics after `standing_statistics`."""
    batches = [{k: v for k, v in global_batch(s).items() if k != "weights"} for s in (5, 6)]
    layers.standing_statistics(model, batches)
    return {f"standing {v.path}": v.numpy() for v in model.variables if "moving" in v.name}


def part(whole, size, context):
    """One replica's rows."""
    start = context.replica_id_in_sync_group * size
    return {name: tf.constant(value[start : start + size]) for name, value in whole.items()}


if __name__ == "__main__":
    strategies.write(sys.argv[1], NORMS, train)

"""The strided form of a convolution beside a resizing, beside the plain one, as written.

For each way of resizing and several sizes, in turn: CPU-seconds of one forward and backward pass
of both forms on one thread, median of the rounds; prints the plain one's over the strided one's.
`layers.resized_conv.STRIDED_WINS` takes the strided form where the ratio is above 1. On a GPU or
TPU, which run apart from the CPU, seconds are those of the clock.

  python benchmarks/resized_conv.py --rounds=5
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from compare_gan_tf.layers import ResizedConv2D

RESIZING = ("nearest", "zeros", "bilinear", "mean")
SIZES = [(4, 64), (4, 256), (8, 64), (8, 256), (16, 64), (16, 256)]  # small side, channels


def passes(layer, x):
    """A function of one forward and backward pass."""
    layer.build(x.shape)

    @tf.function
    def run():
        sources = [x, layer.kernel.value]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            y = layer(x)
        return y, tape.gradient(y, sources)

    return run


def seconds(run, clock) -> float:
    begun = clock()
    tf.nest.map_structure(lambda tensor: tensor[(0,) * len(tensor.shape)].numpy(), run())
    return clock() - begun


def ratio(resizing: str, side: int, channels: int, batch: int, rounds: int, clock) -> float:
    """Median seconds of the plain form over those of the strided one."""
    side *= 2 if resizing == "mean" else 1
    x = tf.random.normal([batch, side, side, channels])
    spent = {}
    for form in ("plain", "strided"):
        spent[form] = (passes(ResizedConv2D(channels, 3, resizing, form), x), [])
    for _ in range(rounds + 1):
        for run, found in spent.values():
            found.append(seconds(run, clock))
    plain, strided = (statistics.median(found[1:]) for _, found in spent.values())  # less tracing
    return plain / strided


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    apart = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU")
    clock = time.perf_counter if apart else time.process_time
    print("small side, channels  " + "  ".join(f"{size!s:>9}" for size in SIZES))
    for resizing in RESIZING:
        ratios = [ratio(resizing, *size, args.batch, args.rounds, clock) for size in SIZES]
        print(f"{resizing:<20}  " + "  ".join(f"{one:>9.2f}" for one in ratios), flush=True)


if __name__ == "__main__":
    main()

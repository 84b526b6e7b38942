"""A training step of SNGAN on 32 x 32 images beside that of torch-mimicry, in CPU-seconds.

Both sides have mimicry's networks, losses, batch size and five updates of D a step, on random
images, with one thread each, in turn. Theirs runs as shipped and with its tensors in channels_last;
ours as gin_configs/mimicry/sngan_cifar10.gin says, and with `GAN.reuse_last_batch`, under which G
keeps D's last batch. Prints the medians of the rounds and theirs over ours.

  python benchmarks/mimicry_speed.py --rounds=3

It needs torch, and mimicry's networks: pip install --no-deps torch-mimicry==0.1.16
"""

import argparse
import functools
import importlib.util
import os
import statistics
import sys
import time
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import gin
import numpy as np
import tensorflow as tf
import torch

from compare_gan_tf import config
from compare_gan_tf.config import configurables

CONFIG, BATCH, D_STEPS, SHAPE = "mimicry/sngan_cifar10.gin", 64, 5, (32, 32, 3)


@functools.cache
def mimicry_networks():
    """torch_mimicry.nets.sngan, without the package's other parts, which need torchvision."""
    package = types.ModuleType("torch_mimicry")
    package.__path__ = importlib.util.find_spec("torch_mimicry").submodule_search_locations
    sys.modules["torch_mimicry"] = package
    from torch_mimicry.nets import sngan

    return sngan


class NoLog:
    """Mimicry's log, without its lines."""

    def add_metric(self, *_, **__):
        pass


def theirs(memory_format):
    """A function of one step of mimicry's trainer, without its logs and files."""
    nets = mimicry_networks()
    players = [nets.SNGANGenerator32(), nets.SNGANDiscriminator32()]
    g, d = (player.to(memory_format=memory_format) for player in players)
    g_optimizer, d_optimizer = (
        torch.optim.Adam(player.parameters(), 2e-4, betas=(0.0, 0.9)) for player in (g, d)
    )
    images = torch.rand(D_STEPS, BATCH, 3, 32, 32) * 2 - 1
    batches = [(one.contiguous(memory_format=memory_format), None) for one in images]

    def step():
        for batch in batches:
            d.train_step(batch, netG=g, optD=d_optimizer, log_data=NoLog())
        g.train_step(batch, netD=d, optG=g_optimizer, log_data=NoLog())

    return step


def ours(*bindings: str):
    """A function of one step of the config, as `train` compiles it."""
    config.parse([CONFIG], bindings)
    gan = gin.get_configurable("GAN")(SHAPE, None)
    images = np.random.default_rng(0).integers(0, 256, (BATCH, gan.slices, *SHAPE), np.uint8)
    compiled = tf.function(lambda: gan.train_step((tf.constant(images), None)), autograph=False)
    return lambda: tf.nest.map_structure(lambda value: value.numpy(), compiled())


def seconds(step) -> float:
    begun = time.process_time()
    step()
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    configurables.load()
    steps = {
        "mimicry": theirs(torch.contiguous_format),
        "mimicry, channels_last": theirs(torch.channels_last),
        "ours": ours(),
        "ours, reuse_last_batch": ours("GAN.reuse_last_batch = True"),
    }
    spent = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            spent[name].append(seconds(step))
    medians = {name: statistics.median(found[1:]) for name, found in spent.items()}  # less tracing
    for name, median in medians.items():
        print(f"{name:<24}{median:6.2f} CPU-seconds a step")
    for name in ("ours", "ours, reuse_last_batch"):
        for other in ("mimicry", "mimicry, channels_last"):
            print(f"{other} over {name}: {medians[other] / medians[name]:.2f}")


if __name__ == "__main__":
    main()

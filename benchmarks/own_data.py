"""Which networks learn a folder of pictures best in the same time on a CPU? See docs/own_data.md.

Each variant trains for the same CPU-seconds of steps (start-up and tracing not counted), seed 0;
then as many samples as there are training images, at most 500, are compared with these, or with
the pictures of --held_out.

  python benchmarks/own_data.py pictures --seconds=100 --extractor=resnet50.weights.h5
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gin
import keras
import numpy as np

from compare_gan_tf import config, data, metrics, training
from compare_gan_tf.config import configurables
from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.metrics import features, image_networks

SHARED = """
include "base/cpu.gin"
include "base/adam.gin"
data.load.flip = True
data.load.broken = @skip_broken
train.training_steps = 1000000
train.checkpoint_every = 1000000
train.sample_every = 1000000
train.steps_per_execution = 10
train.batch_size = 32
GAN.latents = @Normal()
GAN.ema_halflife = 100
Normal.dim = 64
"""
DCGAN_R1 = """
include "base/dcgan.gin"
include "base/zero_centred_penalty.gin"
dcgan.generator.width = 16
dcgan.discriminator.width = 16
GAN.objectives = [@Adversarial(), @GradientPenalty()]
Adversarial.loss = @non_saturating
GradientPenalty.weight = 0.5
GradientPenalty.every = 4
adam.learning_rate = 5e-4
"""
SNDCGAN = """
include "base/sndcgan.gin"
include "base/sngan.gin"
sndcgan.generator.width = 16
sndcgan.discriminator.width = 16
sndcgan.discriminator.kernel_norm = @spectral_norm
adam.learning_rate = 2e-4
adam.beta_1 = 0.0
"""
R3GAN = """
include "base/r3gan_game.gin"
GAN.generator = @r3gan.generator
GAN.discriminator = @r3gan.discriminator
GradientPenalty.weight = 0.25
adam.learning_rate = 5e-4
adam.beta_1 = 0.0
adam.beta_2 = 0.99
r3gan.generator.widths = (64, 64, 48, 32)
r3gan.generator.depth = 1
r3gan.discriminator.widths = (64, 64, 48, 32)
r3gan.discriminator.depth = 1
"""
FASTGAN = """
GAN.generator = @fastgan.generator
GAN.discriminator = @fastgan.discriminator
GAN.objectives = [@PatchHinge(), @Reconstruction()]
GAN.augment = @DiffAugment()
DiffAugment.transforms = [@diffaugment.color, @diffaugment.translation]
train.batch_size = 8
fastgan.generator.width = 8
fastgan.discriminator.width = 8
Reconstruction.width = 8
adam.learning_rate = 2e-4
adam.beta_1 = 0.5
"""
ADA = """
GAN.augment = @ADA()
ADA.controller = @Adaptive()
Adaptive.speed = 10000.0
"""
LABELS = """
GAN.conditional = True
GAN.label_distribution = @labels_of_reals
sndcgan.generator.norm = @conditional_batch_norm
"""
VARIANTS = {
    "dcgan_r1": DCGAN_R1,
    "dcgan_r1_ada": DCGAN_R1 + ADA,
    "sndcgan": SNDCGAN,
    "sndcgan_ada": SNDCGAN + ADA,
    "sndcgan_labels": SNDCGAN + LABELS,
    "sndcgan_labels_ada": SNDCGAN + LABELS + ADA,
    "fastgan": FASTGAN,
    "r3gan": R3GAN,  # for 32 px
}


class _Budget(keras.callbacks.Callback):
    """Stops a training after some CPU-seconds, counted from the end of the first execution."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds, self._end, self.steps = seconds, None, 0

    def on_train_batch_end(self, batch, logs=None):
        self._end = self._end or time.process_time() + self._seconds
        self.steps = self.model.current_step
        self.model.stop_training = time.process_time() >= self._end


def trained(text: str, settings: argparse.Namespace):
    """(GAN, data set, steps) of a variant."""
    gin.clear_config()
    own = f"data.load.name = 'folder:{settings.folder}'\ndata.load.image_size = {settings.size}"
    config.parse([], [SHARED, text, own])
    budget, dataset = _Budget(settings.seconds), data.load()
    with tempfile.TemporaryDirectory() as folder:
        gan = training.prepare(folder, dataset=dataset, callbacks=[budget]).fit()
    return gan, dataset, budget.steps


def scores(gan, dataset, settings: argparse.Namespace):
    """KID of all pairs, coverage and the sliced Wasserstein distance."""
    splits = {"train": dataset.splits["train"]}
    if settings.held_out:
        splits = data.load(f"folder:{settings.held_out}", image_size=settings.size).splits
    number = min(500, len(dataset.splits["train"]))
    real = np.concatenate([split.images[:] for split in splits.values()])[:number]
    fake = np.asarray(to_uint8(gan.sample(number, seed=[0, 1])))
    extractor = features.raw_features()
    if settings.extractor:
        extractor = image_networks.keras_resnet50(settings.extractor, size=96)
    return metrics.evaluate(real, fake, metrics=["kid_full", "prdc", "swd"], extractor=extractor)


def main():
    """Trains and scores each variant, and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--held_out", help="folder of pictures to compare with")
    parser.add_argument("--size", type=int, default=32, help="px")
    parser.add_argument("--seconds", type=float, default=100.0, help="of the CPU, of each")
    parser.add_argument("--extractor", help="weights of Keras' ResNet50; else pixels are compared")
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=["sndcgan", "dcgan_r1"])
    settings = parser.parse_args()
    configurables.load()
    print(f"{'variant':<20}{'steps':>7}{'KID':>9}{'coverage':>10}{'swd':>8}")
    for name in settings.variants:
        gan, dataset, steps = trained(VARIANTS[name], settings)
        found = scores(gan, dataset, settings)
        kid, coverage, swd = (found[each] for each in ("kid_full", "coverage", "swd"))
        print(f"{name:<20}{steps:>7}{kid:>9.3f}{coverage:>10.3f}{swd:>8.1f}", flush=True)


if __name__ == "__main__":
    main()

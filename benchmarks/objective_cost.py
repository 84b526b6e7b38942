"""What each objective costs beside the non-saturating loss: a DCGAN with labels at 32 px.

An adversarial loss stands in the place of the non-saturating one, any other objective beside it. A
round runs the step with the objective, then the plain step, on one batch. Prints the ratios of the
step's multiply-adds, which do not depend on the machine, and of CPU-seconds, the median over the
rounds. Exits with 1 if the CPU-seconds of one are more than 1.25 times what its multiply-adds let
expect.

  python benchmarks/objective_cost.py --only=hinge,r1,rotation
"""

import argparse
import functools
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf

from compare_gan_tf import GAN, Normal, objectives
from compare_gan_tf.architectures import dcgan
from compare_gan_tf.gan.step_products import products
from compare_gan_tf.layers import spectral_norm
from compare_gan_tf.objectives import Adversarial, gradient_penalty, losses
from compare_gan_tf.objectives.f_divergences import pearson
from compare_gan_tf.objectives.f_gan import f_gan

SHAPE, CLASSES, PLAIN, MOST = (32, 32, 3), 10, "non_saturating", 1.25
ALONE = {
    PLAIN: Adversarial,
    "hinge": functools.partial(Adversarial, losses.hinge),
    "wasserstein": functools.partial(Adversarial, losses.wasserstein),
    "least_squares": functools.partial(Adversarial, losses.least_squares),
    "f_gan_pearson": functools.partial(Adversarial, functools.partial(f_gan, divergence=pearson())),
    "relativistic": objectives.Relativistic,
    "boundary_seeking": objectives.BoundarySeeking,
    "loss_sensitive": objectives.LossSensitive,
    "top_k": objectives.TopK,
}
_penalty = functools.partial(objectives.GradientPenalty, weight=1.0)
BESIDE = {
    "r1": functools.partial(_penalty, points=gradient_penalty.at_real, target=0.0),
    "gradient_penalty": _penalty,
    "weight_clipping": functools.partial(objectives.WeightClipping, 0.1),
    "orthogonal": objectives.Orthogonal,
    "lecam": objectives.LeCam,
    "consistency": objectives.Consistency,
    "latent_consistency": objectives.LatentConsistency,
    "rotation": objectives.Rotation,
    "feature_matching": objectives.FeatureMatching,
    "classification": objectives.Classification,
    "twin_classification": objectives.TwinClassification,
    "contrastive": objectives.Contrastive,
    "path_length": objectives.PathLength,
    "latent_optimization": objectives.LatentOptimization,
}
CASES = ALONE | BESIDE


def make_step(name: str, width: int, batch: int):
    """A compiled training step as a function without arguments."""
    own = [CASES[name]()] if name in ALONE else [Adversarial(), CASES[name]()]
    gan = GAN(
        SHAPE,
        CLASSES,
        generator=functools.partial(dcgan.generator, width=width),
        discriminator=functools.partial(
            dcgan.discriminator, width=width, kernel_norm=spectral_norm
        ),
        objectives=own,
        conditional=True,
        latents=Normal(64),
    )
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [batch, gan.slices, *SHAPE]).astype(np.uint8)
    labels = rng.integers(0, CLASSES, [batch, gan.slices]).astype(np.int32)
    data = (tf.constant(images), tf.constant(labels))
    return tf.function(lambda: gan.train_step(data), autograph=False)


def cpu_seconds(step, times: int) -> float:
    """Of all threads, for running a step so many times."""
    start = time.process_time()
    for _ in range(times):
        step()
    return time.process_time() - start


def compare(name: str, plain, options) -> tuple[float, float]:
    """(ratio of multiply-adds, median ratio of CPU-seconds) of an objective over the plain step."""
    sides = [make_step(name, options.width, options.batch), plain]
    counts = [products(step.get_concrete_function().graph).total() for step in sides]
    for step in sides:
        step()
    rounds = [[cpu_seconds(step, options.times) for step in sides] for _ in range(options.rounds)]
    return counts[0] / counts[1], statistics.median(ours / theirs for ours, theirs in rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES), help="objectives, with commas")
    parser.add_argument("--width", type=int, default=32, help="of both networks")
    parser.add_argument("--batch", type=int, default=32, help="reals of an update")
    parser.add_argument("--rounds", type=int, default=5, help="how often both are timed")
    parser.add_argument("--times", type=int, default=5, help="steps in a round")
    options = parser.parse_args()
    if min(options.width, options.batch, options.rounds, options.times) < 1:
        parser.error("all numbers must be at least 1")
    names = options.only.split(",")
    if unknown := sorted(set(names) - set(CASES)):
        parser.error(f"--only names {unknown[0]!r}: it must be of {', '.join(CASES)}")
    plain, slow = make_step(PLAIN, options.width, options.batch), []
    for name in names:
        counted, found = compare(name, plain, options)
        print(f"{name:20} multiply-adds {counted:.2f}   CPU-seconds {found:.2f}", flush=True)
        slow += [name] if found > MOST * counted else []
    print(f"times those of {PLAIN}; {os.cpu_count()} cores")
    if slow:
        sys.exit(f"more than {MOST} times what multiply-adds let expect: {', '.join(slow)}")


if __name__ == "__main__":
    main()

"""Trains three small GANs of the digits for 300 steps, and prints what they became, as JSON.

The numbers of each release are in tests/goldens/releases/VERSION.json. If a change of the code
changes them on purpose, say so in CHANGELOG.md, and write them anew with the words of that entry:

  python tests/helpers/golden_run.py --changelog="Adam's epsilon is 1e-8"

The settings of all metrics, which the ids of scores hash, are kept beside them.

The hash of the weights holds for a version of TensorFlow on a kind of processor, whose instructions
decide how sums are rounded: a hash of each such machine is kept. The digits hold on all. The number
of threads changes no bit: these networks are too small for operations to be shared out.
"""

import argparse
import functools
import hashlib
import json
import pathlib
import re
import tempfile

import numpy as np
import tensorflow as tf

import compare_gan_tf
from compare_gan_tf import GAN, data, evaluation, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.evaluation import protocols
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.metrics import registry
from compare_gan_tf.objectives import Adversarial, GradientPenalty, losses
from compare_gan_tf.objectives.gradient_penalty import at_real
from compare_gan_tf.optimizers import adam
from compare_gan_tf.runs.logs import log_path

RELEASES = pathlib.Path(__file__).parents[1] / "goldens" / "releases"
STEPS = 300
OBJECTIVES = {
    "non_saturating_r1": lambda: [
        Adversarial(),
        GradientPenalty(points=at_real, target=0.0, weight=0.3),
    ],
    "hinge": lambda: [Adversarial(loss=losses.hinge)],
    "wasserstein_gp": lambda: [Adversarial(loss=losses.wasserstein), GradientPenalty()],
}
_INSTRUCTIONS = re.compile(r"avx2|avx512f|avx512_vnni|avx512_bf16|amx_tile|fma")


def model(name: str, sample_shape, num_classes, seed) -> GAN:
    return GAN(
        sample_shape,
        num_classes,
        seed,
        conditional=True,
        generator=functools.partial(mlp.generator, units=32, norm=batch_norm),
        discriminator=functools.partial(mlp.discriminator, units=32, kernel_norm=spectral_norm),
        objectives=OBJECTIVES[name](),
        latents=Normal(8),
        g_optimizer=adam(learning_rate=1e-3),
        d_optimizer=adam(learning_rate=1e-3),
        ema_decay=0.98,
    )


def grown(name: str, folder: str, **settings) -> dict:
    """What the GAN of an objective is after the steps.

    Args:
      name: of `OBJECTIVES`.
      folder: for its run.
      **settings: of `training.train`, in place of those here.
    """
    digits, build = data.load("digits"), functools.partial(model, name)
    usual = {"training_steps": STEPS, "batch_size": 32, "steps_per_execution": 50}
    usual |= {key: 50 for key in ("checkpoint_every", "log_every", "sample_every")}
    gan = training.train(folder, dataset=digits, model=build, **usual | settings)
    rows = evaluation.evaluate(
        folder, gan, digits, steps=[STEPS], metrics=["fid", "prdc"], splits=["test"], floor=False
    )
    logs = pathlib.Path(log_path(folder)).read_text().splitlines()
    last = json.loads(logs[-1])
    return {
        "hash": hash_of(gan),
        "losses": {key: _rounded(last[key]) for key in last if key.endswith("/loss")},
        "weights": {key: _size(getattr(gan, key)) for key in ("generator", "discriminator")},
        "scores": {row["metric"]: _rounded(row["value"]) for row in rows},
        "ids": sorted({row["protocol_id"] for row in rows}),
    }


def hash_of(gan) -> str:
    """SHA-256 of all variables of a GAN and of its optimisers."""
    slots = [*gan.g_optimizer.variables, *gan.d_optimizer.variables]
    digest = hashlib.sha256()
    for variable in [*gan.variables, *slots]:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def machine() -> str:
    """What decides the last bits: the version of TensorFlow and the processor's instructions."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0]
    found = sorted(set(filter(_INSTRUCTIONS.fullmatch, flags.split())))
    return f"tensorflow {tf.__version__}, {' '.join(found)}"


def settings_of_metrics() -> dict[str, dict]:
    """{name of a metric: its settings, as the ids of its scores hold them}."""
    return {one.name: protocols.settings(one) for one in registry.resolve(registry.names())}


def _size(player) -> float:
    """The root mean square of all weights of a player."""
    weights = np.concatenate([v.numpy().reshape(-1) for v in player.trainable_variables])
    return _rounded(np.sqrt(np.mean(np.square(weights, dtype=np.float64))))


def _rounded(value) -> float:
    return float(f"{value:.6g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changelog", help="words of CHANGELOG.md, to write the release's file")
    words = parser.parse_args().changelog
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: grown(name, f"{folder}/{name}") for name in OBJECTIVES}
    print(json.dumps({"machine": machine(), "runs": runs}, indent=1))
    if words is None:
        return
    path = RELEASES / f"{compare_gan_tf.__version__}.json"
    hashes = {name: {machine(): run.pop("hash")} for name, run in runs.items()}
    found = {"changelog": words, "runs": runs, "hashes": hashes, "metrics": settings_of_metrics()}
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

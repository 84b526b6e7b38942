"""A small GAN to be lowered, its state after a step, and run.py in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
from small_config import SMALL

from compare_gan_tf.lowering import steps

STEPS = 4
# Many processes compile the same step.
_CACHE = {
    "JAX_COMPILATION_CACHE_DIR": os.path.join(os.environ["COMPARE_GAN_CACHE"], "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}
FAST = f"""{SMALL}
GAN.conditional = True
GAN.ema_decay = 0.5
mlp.generator.norm = @batch_norm
"""
# Noise, labels, mirrored images, states that one of the players changes, and second derivatives.
WHOLE = f"""{FAST}
data.load.flip = True
GAN.d_steps = 2
GAN.objectives = [@Adversarial(), @GradientPenalty(), @LeCam()]
GAN.augment = @DiffAugment()
mlp.discriminator.kernel_norm = @spectral_norm
evaluate.batch_size = 300
"""
# Many processes compile the same step.
JAX_ALONE = {
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": os.path.join(os.environ["COMPARE_GAN_CACHE"], "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}


def run_py(folder, *flags, code=0):
    """Runs run.py in a process that cannot import TensorFlow; returns (stdout, stderr)."""
    none = folder.parent / "none"
    none.mkdir(exist_ok=True)
    for name in ("tensorflow", "keras", "compare_gan_tf"):
        (none / f"{name}.py").write_text("raise ImportError('a machine with JAX alone')\n")
    command = [sys.executable, str(folder / "run.py"), *flags]
    environment = os.environ | JAX_ALONE | {"PYTHONPATH": str(none)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def arrays(folder, step):
    """{name: array} of a state."""
    with np.load(folder / "states" / f"{step}.npz") as file:
        return {name: file[name] for name in file.files if name != "run"}


def values(gan):
    """{name: array} of the variables of a GAN."""
    return {name: variable.numpy() for name, variable in steps.variables(gan).items()}


def assert_close(found, wanted, atol):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=atol, err_msg=name)


def write_state(folder, step, changes=None, run=None):
    """Writes a state after a step: that of step 0 with changes {name: array, or None for none}."""
    wanted = arrays(folder, 0) | {"step": np.int64(step)} | (changes or {})
    with np.load(folder / "states" / "0.npz") as file:
        own = json.loads(str(file["run"]))
    own |= {"jax": "0.10.2", "platform": "tpu", "device": "TPU v4", "seconds": 9.0} | (run or {})
    kept = {name: value for name, value in wanted.items() if value is not None}
    np.savez(folder / "states" / f"{step}.npz", run=json.dumps(own), **kept)

r"""Lower the training of a GAN to StableHLO, for a machine with JAX and no TensorFlow.

--out becomes a folder with the whole training step and the sampler as programs, the weights, the
training samples and their order, and run.py, which needs jax and numpy. Copy it to a machine with a
GPU or a TPU, train there, copy it back, and make a run of it. For example:

  compare-gan lower --gin_config=quickstart.gin --out=lowered/quickstart
  python lowered/quickstart/run.py --steps=2000
  compare-gan adopt --lowered=lowered/quickstart --model_dir=runs/quickstart

With --model_dir the training continues from the newest checkpoint of a run:

  compare-gan lower --model_dir=runs/quickstart --out=lowered/more \
      --gin_bindings='train.training_steps = 8000'
"""

from absl import flags

from compare_gan_tf.bin import build

NEEDS_MODEL_DIR = False
HELP = {"model_dir": "Folder of a run to continue, from its newest checkpoint; it is not changed."}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_string(
        "out",
        None,
        "Local folder to write. A folder that an earlier call has written is replaced, unless it"
        " has been trained.",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "max_gb",
        16.0,
        "Largest size in GB of the samples, as uint8, and their order.",
        lower_bound=0.0,
        flag_values=flag_values,
    )
    flags.register_validator(
        "out",
        lambda path: bool(path) and "://" not in path,
        "name the local folder to write, such as --out=lowered/mine",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Lowers the training, and prints how to train it."""
    build.read_config(values)
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # a program is made on the CPU, for any device
        tf.config.set_visible_devices([], "GPU")
    from compare_gan_tf import config, data, lowering, training
    from compare_gan_tf.training import adoption

    prepared = training.prepare(values.model_dir or values.out, dataset=data.load())
    config.check_used()
    if values.model_dir:
        adoption.restore(prepared, config.operative_text())
    max_bytes = int(values.max_gb * 1e9)
    lowering.lower(prepared, values.out, config_text=config.operative_text(), max_bytes=max_bytes)
    gan = prepared.gan
    print(
        f"{values.out} is lowered from step {gan.current_step} to {prepared.training_steps}: on a "
        f"machine with JAX, run python {values.out}/run.py"
    )

"""Make an ordinary run of what run.py, which compare-gan lower writes, has trained by JAX.

The run has the config, the checkpoints with the state of the optimisers, the logs, and the device
and the version of JAX in its manifest. Training continues from it, and it can be evaluated,
exported, reported and compared.

For example:

  compare-gan adopt --lowered=lowered/quickstart --model_dir=runs/quickstart
  compare-gan evaluate --model_dir=runs/quickstart
"""

import os
import types

from absl import flags

from compare_gan_tf.bin import build
from compare_gan_tf.errors import UserError
from compare_gan_tf.storage import files

COMMON_FLAGS = ("model_dir", "gin_bindings", "allow_imports")
HELP = {
    "model_dir": "Folder of the run: a new one, or the one whose newest checkpoint was lowered.",
    "gin_bindings": "One gin binding that does not affect the weights, such as"
    " 'train.keep_checkpoints = 9'. Repeatable.",
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_string(
        "lowered",
        None,
        "Folder that compare-gan lower has written and its run.py has trained.",
        flag_values=flag_values,
    )
    flags.register_validator(
        "lowered",
        lambda path: bool(path) and "://" not in path,
        "name the local folder that compare-gan lower has written",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Writes the run."""
    config_file = os.path.join(values.lowered, files.CONFIG)
    if not os.path.isfile(config_file):
        raise UserError(f"there is no {config_file}: name a folder of compare-gan lower")
    given = {"gin_config": [config_file], "gin_bindings": values.gin_bindings}
    build.read_config(types.SimpleNamespace(**given, model_dir=values.model_dir))
    from compare_gan_tf import config, data, lowering, training

    prepared = training.prepare(values.model_dir, dataset=data.load())
    config.check_used()
    lowering.adopt(prepared, values.lowered, config_text=config.operative_text())

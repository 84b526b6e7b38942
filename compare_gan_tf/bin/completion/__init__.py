"""Print a script that lets the shell complete verbs, flags and values by the Tab key.

The script holds all names, so that completion starts no Python: verbs, the flags of each verb and
their values, packaged configs, models that ship, metrics, presets and extractors. Write it again
after an update of the package. Paths are completed, too, and so is each part of a list such as
--metrics=fid,kid.

For example, in ~/.bashrc, in ~/.zshrc after compinit, and as a file of fish:

  source <(compare-gan completion bash)
  source <(compare-gan completion zsh)
  compare-gan completion fish > ~/.config/fish/completions/compare-gan.fish
"""

from absl import flags

from compare_gan_tf.bin.command import show
from compare_gan_tf.bin.completion import bash, fish, zsh
from compare_gan_tf.errors import UserError

COMMON_FLAGS = ()
NEEDS_MODEL_DIR = False
ARGUMENTS = "shell"
SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flag that the argument sets."""
    flags.DEFINE_multi_enum(
        "shell", [], list(SHELLS), "The shell; --shell= may be left out.", flag_values=flag_values
    )


def run(values: flags.FlagValues) -> None:
    """Prints the script."""
    if len(values.shell) != 1 or values.shell[0] not in SHELLS:
        raise UserError(
            f"name one of the shells {', '.join(SHELLS)}, such as compare-gan completion bash"
        )
    show(SHELLS[values.shell[0]].script())

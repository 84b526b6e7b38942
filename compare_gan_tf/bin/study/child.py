"""A verb in a process that dies with the one that started it, however that one dies.

    python -m compare_gan_tf.bin.study.child PARENT [--record=FILE] compare-gan VERB ...

With `--record`, what the run says afterwards is written into its folder as `record.json`, and a
grid of its samples as `samples.png`: FILE tells how to read the run.
"""

import ctypes
import dataclasses
import json
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # of Linux' prctl


def die_with(parent: int) -> None:
    """Has the kernel kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os.kill(os.getpid(), signal.SIGKILL)


def write_record(how: dict) -> None:
    """Writes what a run's folder says, in the form of `comparison.Run`.

    Args:
      how: {"model_dir", "rule", "name", "variant", "setting", "task"}.
    """
    from compare_gan_tf.comparison import folders
    from compare_gan_tf.comparison.records import FAILED, WAITING
    from compare_gan_tf.storage import files
    from compare_gan_tf.study.trials import RECORD

    run = folders.read_run(
        how["model_dir"],
        folders.Rule(**how["rule"]),
        name=how["name"],
        variant=how["variant"],
        setting=how["setting"],
        task=how["task"],
    )
    if run.status == WAITING:  # it was evaluated, and has no score nevertheless
        run = dataclasses.replace(run, status=FAILED)
    draw(how["model_dir"], "latest" if how["rule"]["checkpoint"] == "last" else None)
    files.write_text(os.path.join(how["model_dir"], RECORD), json.dumps(run.to_json()))


def draw(model_dir: str, choice: str | None) -> None:
    """Draws samples of a run, where they are images: at the same latents for all runs.

    Args:
      model_dir: its folder.
      choice: of the checkpoint, see `build.choose_step`.
    """
    from compare_gan_tf.bin import build, command
    from compare_gan_tf.report import samples
    from compare_gan_tf.runs import checkpoints
    from compare_gan_tf.storage import files
    from compare_gan_tf.study.trials import SAMPLES

    values = command.parse_flags(
        ["compare-gan", f"--model_dir={model_dir}"], build.define_checkpoint_flag
    )
    build.read_config(values)
    dataset, gan = build.gan(values)
    if dataset.is_images:
        checkpoints.restore_players(gan, model_dir, build.choose_step(model_dir, choice))
        cells = samples.layout(gan.num_classes)
        png = samples.grid_png(samples.fakes(gan, cells), cells)
        files.write_bytes(os.path.join(model_dir, SAMPLES), png)


def main(argv: list[str]) -> None:
    """Runs `argv`, as above; exits as the verb does."""
    die_with(int(argv[1]))
    how, command = None, argv[2:]
    if command[0].startswith("--record="):
        with open(command[0].partition("=")[2], encoding="utf-8") as file:
            how = json.load(file)
        command = command[1:]
    from compare_gan_tf.bin import main as program

    sys.argv = command  # as the manifest of the run shall have it
    try:
        program.main(command)
    except SystemExit as end:
        if how is None or end.code not in (0, None):
            raise
    if how is not None:
        write_record(how)


if __name__ == "__main__":
    main(sys.argv)

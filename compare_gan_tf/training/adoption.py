"""A run of states that another program has trained."""

from collections.abc import Callable

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import checkpoints, logs
from compare_gan_tf.training import folder
from compare_gan_tf.training.fit import Training


def restore(training: Training, config_text: str) -> None:
    """Restores the newest checkpoint of the run that is in `model_dir`.

    Raises:
      UserError: there is none, another process trains the run, or config or data differ.
    """
    if not checkpoints.list_steps(training.model_dir):
        raise UserError(f"there is no checkpoint in {training.model_dir}: train it first")
    with folder.sole_training(training.model_dir):
        seen = data.identity(training.dataset)
        told = {"config_text": config_text, "seen": seen, "precision": training.gan.precision}
        folder.require_own_run(training.model_dir, **told)
        training.saver().restore()


def adopt(
    training: Training,
    states: dict[int, Callable[[], None]],
    *,
    first_step: int,
    rows: list[dict],
    config_text: str,
    lowered: dict,
) -> None:
    """Saves states that another program has trained as the checkpoints of the run.

    Args:
      training: prepared, with the config of the run.
      states: {step: function that sets the variables of the GAN}, ascending.
      first_step: step of the checkpoint that the training has started from; 0 for a new run.
      rows: of the log, see `logs`.
      config_text: contents of the run's `config.gin`.
      lowered: what the manifest says about the training; "id" names it.

    Raises:
      UserError: the folder cannot be used, the config has changed, or there are checkpoints
        that are neither the first nor of this training.
    """
    with folder.sole_training(training.model_dir):
        seen = data.identity(training.dataset)
        told = {"config_text": config_text, "seen": seen, "precision": training.gan.precision}
        folder.require_own_run(training.model_dir, **told)
        newest = folder.require_continued(training.model_dir, first_step, lowered)
        folder.begin(training.model_dir)
        saver = training.saver()
        logs.cut_back(training.model_dir, newest)
        training.write_settings(config_text, seen, first_step, lowered=lowered)
        for step, assign in states.items():
            if step > newest:
                assign()
                saver.save()
                new = [row for row in rows if newest < row["step"] <= step]
                logs.append(training.model_dir, new)
                newest = step
        if newest >= training.training_steps:
            folder.end(training.model_dir, newest)
    print(f"{training.model_dir} is trained to step {newest}")

"""Saves, lists and restores the checkpoints of a run."""

import concurrent.futures
import os
import re

import tensorflow as tf
from absl import logging

from compare_gan_tf.errors import NotFinite, UserError, as_user_error, unwritable
from compare_gan_tf.runs import results, snapshots
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.storage import files

FOLDER = "checkpoints"
BEST = os.path.join(FOLDER, "best")  # a copy of the best one, see `best`
TRAIN_DONE = "TRAIN_DONE"  # file in the run's folder when training has reached its last step
# Names of files that TensorFlow writes before a checkpoint is complete.
_UNFINISHED = r"ckpt-\d+(_temp|\..*\.tempstate\d+)|checkpoint\.tmp\w+"


def path(model_dir: str, step: int) -> str:
    """The prefix of a checkpoint's files."""
    return os.path.join(model_dir, FOLDER, f"ckpt-{step}")


def find(model_dir: str, step: int) -> str:
    """The prefix of a checkpoint's files, or of its copy in `checkpoints/best` if deleted."""
    prefix, copy = path(model_dir, step), os.path.join(model_dir, BEST, f"ckpt-{step}")
    if not tf.io.gfile.exists(f"{prefix}.index") and tf.io.gfile.exists(f"{copy}.index"):
        return copy
    return prefix


def list_steps(model_dir: str) -> list[int]:
    """Ascending steps of the complete checkpoints: those with an index, which is written last."""
    folder = os.path.join(model_dir, FOLDER)
    if not tf.io.gfile.isdir(folder):
        return []
    found = (re.fullmatch(r"ckpt-(\d+)\.index", name) for name in tf.io.gfile.listdir(folder))
    return sorted(int(match[1]) for match in found if match)


def _players(gan) -> dict:
    averaged = {"ema": gan.ema} if gan.uses_ema else {}
    players = {"generator": gan.generator, "discriminator": gan.discriminator}
    return players | averaged


def parts(gan) -> dict:
    """{name: part} of all parts of a GAN whose variables are saved, beside its step."""
    objectives = {f"objective_{o.name}": o for o in gan.objectives}
    augment = {} if gan.augment is None else {"augment": gan.augment}
    optimizers = {"g_optimizer": gan.g_optimizer, "d_optimizer": gan.d_optimizer}
    post_hoc = {} if gan.post_hoc is None else {"post_hoc": gan.post_hoc}
    scales = {one + snapshots.SCALE: scale for one, scale in gan.loss_scales.items() if scale}
    return _players(gan) | post_hoc | optimizers | objectives | augment | scales


def _everything(gan) -> dict:
    """{name in a checkpoint: a variable, or the list of a part's variables}."""
    return _states(parts(gan)) | {"step": gan.step.value}


def all_variables(gan) -> list:
    """The `tf.Variable`s that a checkpoint holds, in an order that depends on the GAN only."""
    return tf.nest.flatten(_everything(gan))


def _states(of: dict) -> dict:
    """{name: list of the part's variables}.

    Explicit lists are needed: TensorFlow does not find variables of layers that a Keras layer holds
    in a list or dict, and would leave them out without an error.
    """
    return {name: [variable.value for variable in part.variables] for name, part in of.items()}


def _bound(gan) -> list[tuple]:
    """(variable, value) of settings that are stored in variables, such as the learning rate.

    Restoring a checkpoint overwrites these; the values of the current config must win.
    """
    optimizers = (gan.g_optimizer, gan.d_optimizer)
    rates = map(keras_insides.rate_or_schedule, optimizers)
    found = [rate for rate in rates if hasattr(rate, "assign")]
    layers = [*gan.objectives, *([gan.augment] if gan.augment is not None else [])]
    found += [v for layer in layers for v in layer.variables if getattr(v, "is_setting", False)]
    return [(variable, variable.numpy()) for variable in found]


def _bind(bound: list[tuple]) -> None:
    for variable, value in bound:
        before = variable.numpy()
        if before != value:
            logging.warning(
                "%s is %g, as it is bound; in the checkpoint it was %g",
                variable.path, value, before,
            )  # fmt: skip
            variable.assign(value)


def restore_players(gan, model_dir: str, step: int):
    """Loads the networks, the EMA of G and the step of a checkpoint into a built GAN.

    If the checkpoint is deleted, its copy in `checkpoints/best` is used.

    Raises:
      UserError: the checkpoint is missing, damaged, or of another configuration.
    """
    read_players(gan, find(model_dir, step), step=gan.step.value)


def has_average(prefix: str) -> bool:
    """Whether a checkpoint has an EMA of G; False if it cannot be read."""
    try:
        with files.without_patterns(prefix) as path_:
            return any(name.startswith("ema/") for name, _ in tf.train.list_variables(path_))
    except snapshots.READ_ERRORS:
        return False


def read_players(gan, prefix: str, *, average: bool = True, **more):
    """Loads the networks of a checkpoint into a built GAN.

    Args:
      gan: a built GAN.
      prefix: prefix of the checkpoint's files.
      average: whether to load the EMA of G too, if the GAN has one.
      **more: further variables to load, by their names in the checkpoint.

    Raises:
      UserError: see `restore_players`.
    """
    players = {name: p for name, p in _players(gan).items() if average or name != "ema"}
    cure = "name another --checkpoint"
    with as_user_error(f"cannot read checkpoint {prefix}", *snapshots.READ_ERRORS, cure=cure):
        with files.without_patterns(prefix) as path_:
            status = tf.train.Checkpoint(**_states(players), **more).read(path_)
            status.assert_existing_objects_matched().expect_partial()


class Checkpoints:
    """Saves and restores the checkpoints of one run.

    Args:
      gan: a built GAN.
      model_dir: the run's folder.
      keep: number of the newest checkpoints to keep.
      keep_unscored_every: older checkpoints whose step is divisible by this, 0 for all, are kept
        until they have scores; None to keep none.
    """

    def __init__(self, gan, model_dir: str, *, keep: int, keep_unscored_every: int | None = None):
        self._gan = gan
        self._model_dir = model_dir
        self._keep = keep
        self._keep_unscored_every = keep_unscored_every
        self._good = "none"
        self._writing: concurrent.futures.Future | None = None
        folder = os.path.join(model_dir, FOLDER)
        self._live = _everything(gan)
        with tf.device("CPU:0"):  # of these the files are written, in another thread
            self._copies = tf.nest.map_structure(snapshots.variable_like, self._live)
        copies = tf.train.Checkpoint(**self._copies)
        tf.io.gfile.makedirs(folder)
        _delete_unreadable_note(folder)
        # The manager deletes none: it cannot keep those that have no scores yet.
        self._manager = tf.train.CheckpointManager(copies, folder, max_to_keep=None)
        for name in tf.io.gfile.listdir(folder):
            if re.fullmatch(_UNFINISHED, name):  # an incomplete file of a killed process
                _delete(os.path.join(folder, name))

    def restore(self) -> int:
        """Restores the newest readable checkpoint; returns its step, or 0 if there is none.

        Settings of the config, such as the learning rate, override those in the checkpoint.

        Raises:
          UserError: there are checkpoints, but none can be read.
        """
        self._writing = None  # it may have failed
        steps, bound = list_steps(self._model_dir), _bound(self._gan)
        for step in reversed(steps):
            prefix = path(self._model_dir, step)
            status = None
            try:
                with files.without_patterns(prefix) as path_:
                    stored = snapshots.as_stored(self._live, path_)
                    checkpoint = tf.train.Checkpoint(**stored)
                    status = checkpoint.restore(path_)
                    status.assert_consumed()
                self._good = prefix
                _bind(bound)
                return step
            except snapshots.READ_ERRORS as error:
                if status is not None:
                    status.expect_partial()  # suppresses TensorFlow's warning
                snapshots.warn_of(prefix, error)
        if steps:
            raise UserError(
                f"none of the {len(steps)} checkpoints in {self._model_dir} can be read: they are "
                "damaged, or were written with another config; nothing is changed"
            )
        return 0

    @property
    def newest(self) -> str:
        """Prefix of the newest good checkpoint, or "none", for messages; waits for `save_later`."""
        if self._writing is not None:
            concurrent.futures.wait([self._writing])
        return self._good

    def save(self):
        """Saves a checkpoint, then deletes old ones.

        Raises:
          UserError: the weights are not finite, or cannot be written. Files of this step are
            removed, and all earlier checkpoints stay.
        """
        self._write(self._gan.current_step, self._snapshot())

    def save_later(self, background):
        """As `save`, but another thread writes the checkpoint of this step.

        There is one copy of the variables in memory: if the checkpoint before is not written yet,
        this waits for it.

        Args:
          background: a `storage.background.Background`, which raises the errors of `save`.

        Raises:
          UserError: the checkpoint before could not be saved.
        """
        if self._writing is not None:
            self._writing.result()
        step, values = self._gan.current_step, self._snapshot()
        self._writing = background.submit(self._write, step, values)

    def _snapshot(self) -> dict:
        """The values of all variables, in the memory of the host.

        On the CPU this copies nothing: TensorFlow copies a variable when it changes one that is
        still in use.
        """
        with tf.device("CPU:0"):
            return tf.nest.map_structure(tf.identity, self._live)

    def _write(self, step: int, values: dict):
        good = self._good
        if broken := snapshots.not_finite(_players(self._gan), values):
            message = f"step {step}: {broken} is not finite; the last good checkpoint is {good}"
            raise NotFinite(message, step, broken)
        try:
            tf.nest.map_structure(lambda copy, value: copy.assign(value), self._copies, values)
            # TensorFlow counts how often it has saved: after a kill more often. The files shall be
            # the same.
            self._manager.checkpoint.save_counter.assign(step)
            self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            self._remove(step)
            what = f"cannot save a checkpoint at step {step} in {self._model_dir}"
            raise UserError(
                f"{unwritable(what, error)} and run the same command again, the last good "
                f"checkpoint is {good}"
            ) from error
        self._good = path(self._model_dir, step)
        # Later steps are damaged checkpoints, which were skipped when the run was resumed.
        older = [old for old in list_steps(self._model_dir) if old <= step]
        for old in older[: -self._keep]:
            if not self._waits_for_scores(old):
                self._remove(old)

    def _waits_for_scores(self, step: int) -> bool:
        every = self._keep_unscored_every
        if every is None or not results.is_due(step, every):
            return False
        return step not in results.scored_steps(self._model_dir)

    def _remove(self, step: int):
        folder = os.path.dirname(path(self._model_dir, step))
        own = rf"ckpt-{step}(\.index|\.data-\d+-of-\d+|_temp|\..*\.tempstate\d+)"
        names = [name for name in tf.io.gfile.listdir(folder) if re.fullmatch(own, name)]
        for name in sorted(names, key=lambda name: not name.endswith(".index")):
            _delete(os.path.join(folder, name))  # the index first: it makes a checkpoint complete


def _delete_unreadable_note(folder: str):
    """Deletes the list that TensorFlow keeps beside the checkpoints, if it is no text."""
    try:
        tf.train.get_checkpoint_state(folder)
    except UnicodeDecodeError:
        _delete(os.path.join(folder, "checkpoint"))


def _delete(name: str):
    (tf.io.gfile.rmtree if tf.io.gfile.isdir(name) else tf.io.gfile.remove)(name)

"""A prepared training, whose `fit` restores the newest checkpoint and trains to the last step."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from compare_gan_tf import data, random
from compare_gan_tf.data import Dataset, pipeline
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import GAN, distribution, multiply_adds
from compare_gan_tf.runs import checkpoints, hyperparameters, logs, manifest
from compare_gan_tf.storage import files
from compare_gan_tf.training import callbacks, folder, frozen_layers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """A prepared training: all settings are checked, and nothing is written yet.

    Attributes:
      gan: the built GAN, with the initial weights of a new run.
      kept: variables of D that are not trained, see `frozen_layers`.
      jit_reason: why XLA compiles the step, or not, see `compilation`.

    The other attributes are the arguments of `prepare`.
    """

    model_dir: str
    gan: GAN
    dataset: Dataset
    strategy: tf.distribute.Strategy
    kept: list
    training_steps: int
    batch_size: int
    seed: int
    jit_compile: bool | str
    jit_reason: str
    init_from: str | None
    checkpoint_every: int
    keep_checkpoints: int
    keep_unscored_every: int | None
    log_every: int
    sample_every: int
    callbacks: Sequence[keras.callbacks.Callback]
    allow_config_change: bool
    allow_data_change: bool

    def fit(self, config_text: str | None = None) -> GAN:
        """Trains to the last step, starting from the newest checkpoint in `model_dir` if any.

        Args:
          config_text: contents of the run's `config.gin`; None for a run without a config.

        Returns:
          The trained GAN. A line on stdout names the folder of its run.

        Raises:
          UserError: the folder cannot be used, the config or the data have changed, a loss is not
            finite, or the disk is full.
          Stopped: SIGTERM or SIGINT was received, and a checkpoint was written.
        """
        gan, last = self.gan, self.training_steps
        with frozen_layers.frozen(gan, self.kept), folder.sole_training(self.model_dir):
            # 1. Check the contents of the folder before anything in it changes.
            seen = data.identity(self.dataset)
            folder.require_own_run(
                self.model_dir,
                config_text=None if self.allow_config_change else config_text,
                seen=None if self.allow_data_change else seen,
            )
            folder.begin(self.model_dir)
            # 2. Restore the newest readable checkpoint; remove log entries after its step.
            saver = self._saver()
            first = saver.restore()
            logs.cut_back(self.model_dir, first)
            # 3. Write the settings before any weights that were trained with them.
            self._write_settings(config_text, seen, first)
            # 4. Train the remaining steps. Without their number Keras would request one batch too
            # many, and updates that need no data, such as a power iteration, would already run.
            if first < last:
                # Two objectives add at most two gradients per shared tensor, in any order.
                distribution.keep_sums_in_pairs(not gan.jit_compile and len(gan.objectives) > 2)
                own = self._watchers(saver, first)
                with _closing(own), self._data_errors():
                    gan.fit_batches(
                        self._batches(first),
                        steps_per_epoch=last - first,
                        verbose=0,
                        callbacks=[*self.callbacks, *own],
                    )
            # 5. Write the file that continuous evaluation waits for.
            folder.end(self.model_dir, gan.current_step)
        print(f"{self.model_dir} is trained to step {gan.current_step}")
        return gan

    def restore(self, config_text: str) -> None:
        """Restores the newest checkpoint of the run that is in `model_dir`.

        Raises:
          UserError: there is none, another process trains the run, or config or data differ.
        """
        if not checkpoints.list_steps(self.model_dir):
            raise UserError(f"there is no checkpoint in {self.model_dir}: train it first")
        with folder.sole_training(self.model_dir):
            seen = data.identity(self.dataset)
            folder.require_own_run(self.model_dir, config_text=config_text, seen=seen)
            self._saver().restore()

    def adopt(
        self,
        states: dict[int, Callable[[], None]],
        *,
        first_step: int,
        rows: list[dict],
        config_text: str,
        lowered: dict,
    ) -> None:
        """Saves states that another program has trained as the checkpoints of the run.

        Args:
          states: {step: function that sets the variables of the GAN}, ascending.
          first_step: step of the checkpoint that the training has started from; 0 for a new run.
          rows: of the log, see `logs`.
          config_text: contents of the run's `config.gin`.
          lowered: what the manifest says about the training; "id" names it.

        Raises:
          UserError: the folder cannot be used, the config has changed, or there are checkpoints
            that are neither the first nor of this training.
        """
        with folder.sole_training(self.model_dir):
            seen = data.identity(self.dataset)
            folder.require_own_run(self.model_dir, config_text=config_text, seen=seen)
            newest = folder.require_continued(self.model_dir, first_step, lowered)
            folder.begin(self.model_dir)
            saver = self._saver()
            logs.cut_back(self.model_dir, newest)
            self._write_settings(config_text, seen, first_step, lowered=lowered)
            for step, assign in states.items():
                if step > newest:
                    assign()
                    saver.save()
                    new = [row for row in rows if newest < row["step"] <= step]
                    logs.append(self.model_dir, new)
                    newest = step
            if newest >= self.training_steps:
                folder.end(self.model_dir, newest)
        print(f"{self.model_dir} is trained to step {newest}")

    def _saver(self) -> checkpoints.Checkpoints:
        return checkpoints.Checkpoints(
            self.gan,
            self.model_dir,
            keep=self.keep_checkpoints,
            keep_unscored_every=self.keep_unscored_every,
        )

    def _write_settings(self, config_text: str | None, seen: dict, first_step: int, **more) -> None:
        manifest.write(
            self.model_dir,
            seed=self.seed,
            strategy=distribution.name_of(self.strategy),
            replicas=self.strategy.num_replicas_in_sync,
            jit_compile=self.gan.jit_compile,
            jit_reason=self.jit_reason,
            deterministic_ops=not self.gan.jit_compile,
            first_step=first_step,
            data=seen,
            multiply_adds={  # of one sample
                "generator": multiply_adds.of_sample(self.gan.generator),
                "discriminator": multiply_adds.of_sample(self.gan.discriminator),
            },
            **more,
        )
        if config_text:
            files.write_text(os.path.join(self.model_dir, files.CONFIG), config_text)
        names = ("batch_size", "seed", "training_steps", "jit_compile", "init_from")
        own = {"dataset": self.dataset.name} | {name: getattr(self, name) for name in names}
        given = hyperparameters.of_arguments("train", own) | self.gan.hyperparameters
        of_text = hyperparameters.of_text(config_text) if config_text else {}
        hyperparameters.write(self.model_dir, of_text | given)  # so that runs of both kinds compare

    def _batches(self, first_step: int) -> tf.data.Dataset:
        batches = functools.partial(
            pipeline.batches,
            self.dataset.splits["train"],
            key=random.key(self.seed, "shuffle"),
            batch_size=self.batch_size,
            slices=self.gan.slices,
            start=first_step,
            stop=self.training_steps,
        )
        return distribution.distribute(self.strategy, batches)

    def _watchers(self, saver, first_step: int) -> list[keras.callbacks.Callback]:
        last = self.training_steps
        own = [
            callbacks.WriteLogs(self.model_dir, saver, every=self.log_every),
            callbacks.ShowProgress(first_step=first_step, last_step=last),
        ]
        if self.dataset.is_images:
            own.append(callbacks.DrawSamples(self.model_dir, every=self.sample_every))
        # It comes last because it may stop training: a saved step is then already logged.
        saving = callbacks.SaveCheckpoints(saver, every=self.checkpoint_every, last_step=last)
        return [*own, saving]

    @contextlib.contextmanager
    def _data_errors(self) -> Iterator[None]:
        """Replaces TensorFlow's error about a broken file by the error of the reader."""
        try:
            yield
        except tf.errors.OpError as error:
            failure = getattr(self.dataset.splits["train"].images, "failure", None)
            if failure is None:
                raise
            raise failure from error


@contextlib.contextmanager
def _closing(watchers: list) -> Iterator[None]:
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.close()

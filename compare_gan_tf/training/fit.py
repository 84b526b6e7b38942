"""A prepared training, whose `fit` restores the newest checkpoint and trains to the last step."""

import contextlib
import dataclasses
import functools
import json
import os
import re
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from compare_gan_tf import data, random
from compare_gan_tf.config import gin_imports
from compare_gan_tf.data import Dataset, pipeline
from compare_gan_tf.errors import NotFinite
from compare_gan_tf.gan import GAN, distribution, memory_needs, multiply_adds, workers
from compare_gan_tf.runs import checkpoints, hyperparameters, manifest
from compare_gan_tf.storage import background, files
from compare_gan_tf.training import (
    callbacks,
    draw_samples,
    folder,
    frozen_layers,
    in_step,
    profiling,
    trackers,
)
from compare_gan_tf.training.not_finite import RollBack


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
    not_finite: RollBack | None
    profile: tuple[int, int] | None
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
          PeerLost: another worker has ended.
        """
        gan, last, everyone = self.gan, self.training_steps, workers.Workers(self.strategy)
        seen = data.identity(self.dataset)
        with contextlib.ExitStack() as stack:
            stack.enter_context(everyone.lost())
            stack.enter_context(frozen_layers.frozen(gan, self.kept))
            everyone.require_same(json.dumps(seen, indent=1), "the data set")
            # The chief opens the folder, and gives all weights to the others.
            saver = everyone.together(lambda: self._open(stack, config_text, seen))
            everyone.share(checkpoints.all_variables(gan))
            first = gan.current_step
            # Train the remaining steps. Without their number Keras would request one batch too
            # many, and updates that need no data, such as a power iteration, would already run.
            if first < last:
                starts = [first]
                told = memory_needs.explained(self.batch_size)
                with self._tracked(config_text, everyone), self.data_errors(), told:
                    while starts:
                        with self._watched(saver, starts, everyone) as watchers:
                            gan.fit_batches(**self.remaining(gan.current_step), callbacks=watchers)
            # Write the file that continuous evaluation waits for.
            everyone.together(lambda: folder.end(self.model_dir, gan.current_step))
        if everyone.is_chief:
            print(f"{self.model_dir} is trained to step {gan.current_step}")
        return gan

    @contextlib.contextmanager
    def _watched(self, saver, starts: list[int], everyone) -> Iterator[list]:
        """The callbacks of a training from the last of `starts` on, which it takes away.

        Where a loss is not finite and `not_finite` goes back, it adds the step to start from anew.

        Raises:
          NotFinite: a loss or a weight is not finite, and there is no policy.
        """
        writer = background.Background()
        own = self._watchers(saver, writer, starts.pop(), everyone)
        try:
            with _closing([writer, *own]):
                yield self._in_order(own, everyone)
        except NotFinite as failure:
            if self.not_finite is None:
                raise
            starts.append(self.not_finite.go_back(self.gan, saver, self.model_dir, failure))

    def _open(self, stack: contextlib.ExitStack, config_text: str | None, seen: dict):
        """Locks the folder, restores the newest checkpoint and writes the settings."""
        stack.enter_context(folder.sole_training(self.model_dir))
        # 1. Check the contents of the folder before anything in it changes.
        folder.require_own_run(
            self.model_dir,
            config_text=None if self.allow_config_change else config_text,
            seen=None if self.allow_data_change else seen,
            precision=None if self.allow_config_change else self.gan.precision,
            settings=None if self.allow_config_change or config_text else self._settings(),
        )
        folder.begin(self.model_dir)
        # 2. Restore the newest readable checkpoint; remove log entries and averages after its step.
        saver = self.saver()
        first = saver.restore()
        folder.cut_back(self.model_dir, first)
        if self.not_finite is not None:
            self.not_finite.resume(self.gan, self.model_dir)
        # 3. Write the settings before any weights that were trained with them.
        self.write_settings(config_text, seen, first)
        return saver

    def remaining(self, first: int) -> dict:
        """The arguments of `GAN.fit_batches` for the steps from `first` on."""
        # Two objectives add at most two gradients per shared tensor, in any order.
        distribution.keep_sums_in_pairs(not self.gan.jit_compile and len(self.gan.objectives) > 2)
        steps = self.training_steps - first
        return {"batches": self._batches(first), "steps_per_epoch": steps, "verbose": 0}

    def saver(self) -> checkpoints.Checkpoints:
        """What saves and restores the checkpoints of the run."""
        return checkpoints.Checkpoints(
            self.gan,
            self.model_dir,
            keep=self.keep_checkpoints,
            keep_unscored_every=self.keep_unscored_every,
        )

    def write_settings(self, config_text: str | None, seen: dict, first_step: int, **more) -> None:
        """Writes the manifest, with `more` in it, the config and the hyperparameters."""
        manifest.write(
            self.model_dir,
            seed=self.seed,
            strategy=distribution.name_of(self.strategy),
            replicas=self.strategy.num_replicas_in_sync,
            workers=workers.Workers(self.strategy).number,
            jit_compile=self.gan.jit_compile,
            jit_reason=self.jit_reason,
            deterministic_ops=not self.gan.jit_compile,
            precision=self.gan.precision,
            first_step=first_step,
            data=seen,
            multiply_adds={  # of one sample
                "generator": multiply_adds.of_sample(self.gan.generator),
                "discriminator": multiply_adds.of_sample(self.gan.discriminator),
            },
            **(
                {"modules": gin_imports.hashes()} if config_text else {"settings": self._settings()}
            ),
            **more,
        )
        if config_text:
            files.write_text(os.path.join(self.model_dir, files.CONFIG), config_text)
        hyperparameters.write(self.model_dir, self._hyperparameters(config_text))

    def _settings(self) -> dict:
        """{name: value} of a run that has no config: what a later start of it is compared with."""
        # The data and the precision have checks of their own; names that are made count up.
        own = re.compile(r"train\.(dataset|init_from)|GAN\.(precision|num_classes)|.*\.name")
        found = self._hyperparameters(None)
        return {name: value for name, value in found.items() if not own.fullmatch(name)}

    def _hyperparameters(self, config_text: str | None) -> dict:
        """{name: value}, with the same names for runs with a config and without."""
        names = ("batch_size", "seed", "training_steps", "jit_compile", "init_from")
        own = {"dataset": self.dataset.name} | {name: getattr(self, name) for name in names}
        given = hyperparameters.of_arguments("train", own) | self.gan.hyperparameters
        return (hyperparameters.of_text(config_text) if config_text else {}) | given

    @contextlib.contextmanager
    def _tracked(self, config_text: str | None, everyone) -> Iterator[None]:
        """Starts the trackers among the callbacks on the chief, and closes them."""
        found = [one for one in self.callbacks if isinstance(one, trackers.Tracker)]
        if everyone.is_chief:
            for one in found:
                one.start(
                    self.model_dir,
                    self._hyperparameters(config_text),
                    draws_samples=self.dataset.is_images,
                )
        is_done = False
        try:
            yield
            is_done = True
        finally:
            for one in found:
                one.close(is_done=is_done)

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

    def _watchers(self, saver, writer, first_step: int, everyone) -> list[keras.callbacks.Callback]:
        """The callbacks of this worker: only the chief, which has a saver, writes."""
        last, own = self.training_steps, []
        if everyone.is_chief and self.profile:
            begin, end = (first_step + step for step in self.profile)
            own.append(profiling.Profile(self.model_dir, first=begin, last=end))
        draws = None
        if everyone.is_chief and self.dataset.is_images:
            reals = self.dataset.splits["train"]
            draws = draw_samples.DrawSamples(self.model_dir, writer, reals, every=self.sample_every)
            own.append(draws)
        if everyone.is_chief:
            own.append(callbacks.WriteLogs(self.model_dir, saver, writer, every=self.log_every))
            steps = {"first_step": first_step, "last_step": last}
            own.append(callbacks.ShowProgress(**steps, watch=draws))
        if everyone.is_chief and self.gan.post_hoc is not None:
            own.append(callbacks.SaveAverages(self.model_dir, writer))
        # It comes last because it may stop training: a saved step is then already logged.
        intervals = {"every": self.checkpoint_every, "last_step": last}
        return [*own, callbacks.SaveCheckpoints(saver, writer, everyone, **intervals)]

    def _in_order(self, own: list, everyone) -> list[keras.callbacks.Callback]:
        """All callbacks as Keras takes them; those of several workers are called in step."""
        every = [*self.callbacks, *own]
        return every if everyone.number == 1 else [in_step.InStep(every[:-1], own[-1], everyone)]

    @contextlib.contextmanager
    def data_errors(self) -> Iterator[None]:
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

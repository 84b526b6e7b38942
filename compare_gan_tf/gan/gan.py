"""The GAN as a Keras model: two players, a list of objectives and a schedule of updates."""

import gin
import keras
import tensorflow as tf

from compare_gan_tf.augment.base import AnAugmentation
from compare_gan_tf.config import objects
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import compatibility, fitting, parts, passes, players, tracing, update
from compare_gan_tf.gan import precision as precisions
from compare_gan_tf.gan.alphabets import AnAlphabet
from compare_gan_tf.gan.drawing import Draws
from compare_gan_tf.gan.first_failure import FirstFailure
from compare_gan_tf.gan.remat import recompute
from compare_gan_tf.latents import Prior, uniform_labels
from compare_gan_tf.layers import add_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR
from compare_gan_tf.optimizers import Optimizer, adam
from compare_gan_tf.optimizers.post_hoc import PowerFunctionAverages
from compare_gan_tf.runs import hyperparameters
from compare_gan_tf.settings import keras_insides
from compare_gan_tf.settings.signatures import Count, Decay, Step, checked


@gin.register(module="gan")
class GAN(objects.Configured, Draws, keras_insides.BuiltModel):
    """A generator G and a discriminator D, their objectives, and the order of their updates.

    One training step is `d_steps` updates of D, each on fresh reals and fakes, then `g_steps`
    updates of G, then an update of the moving average of G (Goodfellow et al., 2014, algorithm 1).
    `train_step` takes (images [n, slices, ...], uint8 or float points; labels int32 [n, slices] or
    float32 [n, slices, K], or None): the reals of this replica, with `slices` of `self.slices`.

    Args:
      sample_shape: (height, width, channels) or (D,); None for that of the Keras models.
      num_classes: number of classes of the data set, or None.
      seed: of all noise in training; Keras' global seed decides the initial weights.
      generator: function (sample_shape, latent_dim, num_classes) -> model, see `architectures`; or
        a Keras model from z [n, d], and labels if it takes them, to images in [-1, 1] or points.
        The model itself is trained, from the weights that it has.
      discriminator: function (sample_shape, num_classes) -> model; or a Keras model from samples,
        and labels if it takes them, to logits [n, 1] or [n], or to {"logits", "features"}.
      objectives: a list of `Objective`s; a loss, such as `losses.hinge` or a function of your own,
        stands for `Adversarial(loss)`.
      latents: the prior of z; None for `Normal`, of the dimension that a Keras model takes.
      conditional: whether the players see labels.
      alphabet: of a discrete G, see `alphabets`; None for a continuous G.
      symbols: the palette or vocabulary of the data set, for the alphabet; or None.
      label_distribution: of G's labels in training, see `latents`: `uniform_labels`, or
        `labels_of_reals` for the distribution of the data.
      augment: augmentation of all images that D sees, see `augment`; None for none.
      d_steps: D updates per training step.
      g_steps: G updates per training step, after those of D; 1 in nearly all papers.
      reuse_last_batch: G's first update takes the fakes of D's last update; all G updates take
        the reals of that update, if they need reals (as compare_gan does on GPUs).
      g_optimizer, d_optimizer: a Keras optimiser for each player; None for `adam()`. Their
        schedules run over training steps.
      ema_decay: of the moving average of G, in [0, 1); None for no average.
      ema_halflife: instead of `ema_decay`, in training steps: a number or a schedule.
      ema_start_step: first training step that is averaged; before it the average copies G.
      post_hoc_ema: further averages of G, of which `--ema` makes one of any length after the
        training, see docs/how_to/post_hoc_ema.md; None for none.
      remat: recomputes activations in the backward pass, for less memory and more time.
      accumulation: number of micro-batches of an update, one after the other, for less memory.
      precision: of the networks that functions make, see `precision`; None for Keras' global
        policy, float32 unless you change it. Keras models have that of their layers.

    Raises:
      UserError: settings do not fit each other.
    """

    @checked
    def __init__(
        self,
        sample_shape=None,
        num_classes=None,
        seed: int = 0,
        *,
        generator: parts.GeneratorMaker,
        discriminator: parts.DiscriminatorMaker,
        objectives,
        latents: Prior | None = None,
        conditional: bool = False,
        alphabet: AnAlphabet | None = None,
        symbols=None,
        label_distribution: parts.LabelDistribution = uniform_labels,
        augment: AnAugmentation | None = None,
        d_steps: parts.Updates = 1,
        g_steps: parts.Updates = 1,
        reuse_last_batch: bool = False,
        g_optimizer: Optimizer | None = None,
        d_optimizer: Optimizer | None = None,
        ema_decay: Decay | None = None,
        ema_halflife: parts.HalfLife | None = None,
        ema_start_step: Step = 0,
        post_hoc_ema: parts.PostHoc | None = None,
        remat: bool = False,
        accumulation: Count = 1,
        precision: precisions.Precision | None = None,
    ):
        given = hyperparameters.of_call("GAN", GAN.__init__, locals())
        super().__init__(name="gan")
        self.hyperparameters = given
        compatibility.check_classes(conditional, num_classes)
        compatibility.check_updates(d_steps, g_steps)
        compatibility.check_samples(alphabet, augment, symbols)
        compatibility.check_two(generator=generator, discriminator=discriminator)
        compatibility.check_optimizers(g_optimizer=g_optimizer, d_optimizer=d_optimizer)

        # 1. The schedule of the updates, the augmentation of D's inputs, and the objectives.
        self.seed, self.augment, self.label_distribution = seed, augment, label_distribution
        self.alphabet, self.precision, self.accumulation = alphabet, precision, accumulation
        self.d_steps, self.g_steps, self.reuse_last_batch = d_steps, g_steps, reuse_last_batch
        self.objectives = parts.as_objectives(objectives)
        compatibility.check_gradients(alphabet, self.objectives)

        # 2. The shape of the samples, the classes and the prior, which the networks need.
        self.sample_shape = tuple(sample_shape or players.sample_shape(generator, discriminator))
        self.num_classes = num_classes if conditional else None
        self.latents = latents or parts.prior_for(generator)
        self.player_shape = parts.player_shape(self, symbols)

        # 3. The networks. Their order decides the initial weights: G, D, then the average, which
        #    copies G, then the variables of the objectives.
        self.generator = parts.make_generator(self, generator)
        self.discriminator = parts.make_discriminator(self, discriminator)
        self.couples_batch = passes.couples_batch(self.discriminator)
        self.ema = parts.make_average(self, generator, ema_decay, ema_halflife, ema_start_step)
        parts.build_objectives(self)
        self.post_hoc = post_hoc_ema and PowerFunctionAverages(self.generator, post_hoc_ema)
        recompute(self, remat)

        # 4. The optimisers, which need the variables of 3, and the counter of training steps.
        self.g_optimizer, self.d_optimizer = g_optimizer or adam(), d_optimizer or adam()
        parts.count_training_steps(self)
        precisions.settle(self, precision)
        self.step = add_state(self, "step", dtype="int64")  # training steps done
        self.starts_trained = players.note([generator, discriminator], self.step)
        self.first_failure = FirstFailure()
        self.build()

    def build(self, input_shape=None):
        """Makes the slots of the optimisers; the constructor has made everything else."""
        self.g_optimizer.build(update.trained_by(self, GENERATOR))
        self.d_optimizer.build(update.trained_by(self, DISCRIMINATOR))
        self.built = True

    @property
    def current_step(self) -> int:
        """The number of training steps done."""
        return int(self.step.numpy())

    @property
    def slices(self) -> int:
        """The number of batches of reals that one training step takes."""
        needs_real = self.couples_batch or any(
            objective.generator_needs_real for objective in self.objectives
        )
        return self.d_steps + self.g_steps * int(needs_real and not self.reuse_last_batch)

    @property
    def shares_pass(self) -> bool:
        """Whether D's last and G's first update share G's pass, see `reuse_last_batch`."""
        shares = self.reuse_last_batch and self.accumulation == 1  # else activations would stay
        moved = any(one.moves_latents for one in self.objectives)  # by D, which has changed
        return shares and not moved and not passes.differs_frozen(self.generator)

    def train_step(self, data):
        """One training step: the updates of D, then those of G, then G's moving average.

        Returns:
          {name: value} of every term, averaged over the updates of its player, and of the levels of
          the augmentation after the step.
        """
        images, labels = fitting.as_slices(self, data)
        step = tf.identity(self.step.value)  # a copy: the variable is increased below
        first = self.d_steps - int(self.reuse_last_batch)
        of_generator = range(first, first + self.g_steps)
        substeps = {DISCRIMINATOR: range(self.d_steps), GENERATOR: of_generator}
        shares, shared = {}, None
        for player in substeps:
            updates, run = [], tracing.repeated(self, player, len(substeps[player]))
            for substep in substeps[player]:
                row = min(substep, images.shape[1] - 1)
                reals = images[:, row], None if labels is None else labels[:, row]
                now = {"step": step, "substep": substep}
                if self.shares_pass and substep == first:  # D's last update, then G's first
                    shared = shared or update.shared_pass(self, images.shape[0], reals[1], **now)
                    now["shared"] = shared
                updates.append(run(*reals, **now))
            shares |= {name: sum(u[name] for u in updates) / len(updates) for name in updates[0]}
        self.step.assign(step + 1)
        if self.uses_ema:
            self.ema.update(self.generator, step + 1)
        if self.post_hoc is not None:
            self.post_hoc.update(self.generator, step + 1)
        if self.augment is not None:
            levels = self.augment.levels()  # equal on all replicas
            shares |= {f"augment/{name}": update.equal_share(levels[name]) for name in levels}
        names = sorted(shares)
        values = update.all_reduce_sum(tf.stack([shares[name] for name in names]))
        self.first_failure.note(names, values, step + 1)
        return dict(zip(names, tf.unstack(values), strict=True))

    @property
    def uses_ema(self) -> bool:
        """Whether the run averages G; then samples come from the average."""
        return self.ema is not None

    @property
    def sampling_generator(self) -> keras.Model:
        """The averaged generator where the run has one, else the generator."""
        return self.ema.generator if self.uses_ema else self.generator

    def compile(self, *, jit_compile: bool = False, **options):
        """Compiles as Keras does; the constructor has taken the optimisers and objectives.

        Args:
          jit_compile: compiles the training step by XLA.
          **options: `run_eagerly` and `steps_per_execution`, which is 1 for several replicas.

        Raises:
          UserError: there are other options.
        """
        options = fitting.compile_options(self, options)
        super().compile(optimizer=self.g_optimizer, jit_compile=jit_compile, **options)

    def fit(self, x=None, y=None, batch_size=None, epochs=1, steps_per_epoch=None, **options):
        """Fits as Keras does, on arrays or `tf.data`. `train` makes runs that can be resumed.

        With arrays each update of a step has its own reals, as in `train`. With `tf.data` a step
        takes one batch, which all its updates see. Samples that do not fill the last batch are left
        out of the epoch.

        Args:
          x: samples, or what `from_arrays` takes, or a `Dataset`, whose split "train" is used:
            uint8 images, floats in [0, 1] or, with values below 0, in [-1, 1]; float points [N, D].
          y: labels, for arrays.
          batch_size: reals per update of D; None for 32, or for the batches of `tf.data`.
          epochs: number of the last epoch, as in Keras.
          steps_per_epoch: training steps per epoch; None for the number of whole batches.
          **options: `callbacks`, `verbose`, `initial_epoch`.

        Returns:
          Keras' `History`.

        Raises:
          UserError: the data does not fit the GAN, or an option has no meaning for a GAN.
        """
        fitting.check_fit_options(options)
        if not self.compiled:
            self.compile()
        left = epochs - options.get("initial_epoch", 0)
        sizes = {"batch_size": batch_size, "steps": steps_per_epoch}
        batches, steps = fitting.batches(self, x, y, epochs=left, **sizes)
        return self.fit_batches(batches, epochs=epochs, steps_per_epoch=steps, **options)

    def __call__(self, *_, **options):
        """Refuses: a GAN is two functions, `generator` and `discriminator`.

        Raises:
          UserError: always.
        """
        raise UserError(
            "a GAN is no function of samples: gan.sample(16) draws some, metrics.evaluate(real, "
            "gan) scores them, gan.generator and gan.discriminator are Keras models"
        )

    predict = predict_on_batch = evaluate = test_on_batch = export = __call__

    def get_config(self) -> dict:
        """All settings as plain JSON; the players, given as functions or not, as Keras models.

        Raises:
          UserError: a setting has no name by which Keras could find it again.
        """
        return super().get_config(generator=self.generator, discriminator=self.discriminator)

    def get_compile_config(self) -> dict:
        """The options of `compile`."""
        names = ("jit_compile", "run_eagerly", "steps_per_execution")
        return {name: getattr(self, name) for name in names}

    def compile_from_config(self, config):
        """Calls `compile` with the options that `get_compile_config` returned."""
        self.compile(**config)

    def fit_batches(self, batches, **options):
        """Calls Keras' `fit` on batches as `train_step` takes them."""
        return super().fit(batches, shuffle=False, **options)

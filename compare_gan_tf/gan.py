"""The game: two players, a list of objectives and a schedule, in one `train_step`."""

import gin
import keras
import tensorflow as tf

from compare_gan_tf import game as play
from compare_gan_tf import gan_settings, random
from compare_gan_tf.alphabets import draw_uniforms
from compare_gan_tf.architectures.blocks import unsquashed
from compare_gan_tf.architectures.conditioning import one_hot_like
from compare_gan_tf.architectures.local_features import with_outputs
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.ema import ExponentialMovingAverage
from compare_gan_tf.errors import UserError
from compare_gan_tf.failures import FirstFailure
from compare_gan_tf.latents import Normal, given_or_drawn, require_seed, uniform_labels
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game, Samples, View, total
from compare_gan_tf.optimizers import adam, count_training_steps


@gin.register
class GAN(keras.Model):
    """Generator and discriminator, what each optimises, and in what order.

    One training step is `d_steps` updates of D, each on fresh reals and fakes, then `g_steps` of G,
    one unless said otherwise, then the moving average of G. `fit` takes batches (images, labels) of
    this replica's part of the step's reals: images [n, slices, ...], uint8 or float points, and
    labels int32 [n, slices] or float32 [n, slices, K], or None, where `slices` is `self.slices`.

    Args:
      sample_shape: (height, width, channels) or (D,).
      num_classes: of the data set's labels, or None.
      seed: of all noise in training; the initial weights follow Keras' global seed.
      generator: function (sample_shape, latent_dim, num_classes) -> model, see `architectures`.
      discriminator: function (sample_shape, num_classes) -> model.
      objectives: the terms of the game.
      latents: the prior of z.
      conditional: whether the players see labels.
      alphabet: of a discrete G, which writes pixels or characters out of a few, see `alphabets`;
        None for a continuous one.
      symbols: the data set's own, for the alphabet: its palette or vocabulary, or None.
      label_distribution: of what G is fed in training, see `latents`: `uniform_labels`, or
        `labels_of_reals` for that of the data.
      augment: what is done to all images before D sees them, see `augment`; None for nothing.
      d_steps: D updates per training step.
      g_steps: G updates per training step, after those of D; 1 in nearly all papers.
      reuse_last_batch: G's first update takes the z of the last D update, and all of G's its reals
        where they need reals, instead of fresh ones (compare_gan on GPU).
      g_optimizer, d_optimizer: Keras optimisers, each player its own. Their schedules are over
        training steps.
      ema_decay: of the moving average of G; None for none.
      ema_halflife: instead of `ema_decay`, in training steps: a number or a schedule.
      ema_start_step: training step from which it averages; before, it copies.

    Raises:
      UserError: settings that do not go together.
    """

    def __init__(
        self,
        sample_shape,
        num_classes=None,
        seed: int = 0,
        *,
        generator,
        discriminator,
        objectives,
        latents=None,
        conditional: bool = False,
        alphabet=None,
        symbols=None,
        label_distribution=uniform_labels,
        augment=None,
        d_steps: int = 1,
        g_steps: int = 1,
        reuse_last_batch: bool = False,
        g_optimizer=None,
        d_optimizer=None,
        ema_decay: float | None = None,
        ema_halflife: float | None = None,
        ema_start_step: int = 0,
    ):
        super().__init__(name="gan")
        gan_settings.check_objectives(objectives)
        gan_settings.check_game(conditional, num_classes, d_steps, g_steps)
        gan_settings.check_ema(ema_decay, ema_halflife, ema_start_step)
        gan_settings.check_made(
            latents=latents, augment=augment, g_optimizer=g_optimizer, d_optimizer=d_optimizer
        )
        gan_settings.check_functions(generator, discriminator, label_distribution)
        self.sample_shape = tuple(sample_shape)
        self.num_classes = num_classes if conditional else None
        self.seed = seed
        self.latents = latents or Normal()
        self.label_distribution = label_distribution
        self.augment = augment
        gan_settings.check_augment(augment, self.sample_shape)
        self.alphabet = alphabet
        gan_settings.check_alphabet(alphabet, self.sample_shape, symbols, augment)
        self.d_steps, self.g_steps = d_steps, g_steps
        self.reuse_last_batch = reuse_last_batch
        self.objectives = list(objectives)
        gan_settings.check_gradients(alphabet, self.objectives)
        self.player_shape = alphabet.player_shape if alphabet else self.sample_shape
        shape = {"sample_shape": self.player_shape, "num_classes": self.num_classes}
        self.generator = self._made(generator, **shape)
        judge = discriminator(**shape)
        gan_settings.check_players(self.generator, judge, **shape)
        asked = {name for objective in self.objectives for name in objective.reads}
        self.discriminator = with_outputs(judge, asked)
        gan_settings.check_outputs(self.discriminator, self.objectives)
        self.ema = None
        if ema_decay is not None or ema_halflife is not None:
            average = self._made(generator, **shape)
            self.ema = ExponentialMovingAverage(
                average, decay=ema_decay, halflife=ema_halflife, start_step=ema_start_step
            )
            self.ema.copy(self.generator)
        for objective in self.objectives:
            objective.build_for(self)
        gan_settings.check_lazy(self.objectives, play.couples_batch(self.discriminator))
        self.g_optimizer = g_optimizer or adam()
        self.d_optimizer = d_optimizer or adam()
        if self.g_optimizer is self.d_optimizer:
            raise UserError("GAN.g_optimizer and GAN.d_optimizer are one object: make two")
        count_training_steps(self.d_optimizer, updates=d_steps)
        count_training_steps(self.g_optimizer, updates=g_steps)
        if augment is not None:
            augment.count_training_steps(d_steps)
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.first_failure = FirstFailure()
        self.build()

    def _made(self, generator, **shape):
        made = generator(latent_dim=self.latents.dim, **shape)
        return unsquashed(made) if self.alphabet else made

    def build(self, input_shape=None):
        """Makes the optimisers' slots; all else exists since construction."""
        self.g_optimizer.build(self._trained_by(GENERATOR))
        self.d_optimizer.build(self._trained_by(DISCRIMINATOR))
        self.built = True

    def _trained_by(self, player: str) -> list:
        """The player's variables, and those of objectives that train with it."""
        members = [o for o in self.objectives if player in o.trains_with]
        networks = [getattr(self, player), *members]
        return [variable for network in networks for variable in network.trainable_variables]

    @property
    def current_step(self) -> int:
        """Training steps done, as a number."""
        return int(self.step.numpy())

    # Sampling

    @property
    def uses_ema(self) -> bool:
        """Whether the run averages G; then samples come from the average."""
        return self.ema is not None

    @property
    def sampling_generator(self) -> keras.Model:
        """The averaged generator where the run has one, else the generator."""
        return self.ema.generator if self.uses_ema else self.generator

    def sample(self, num, seed, truncation=0.0, labels=None):
        """Samples [num, ...] of the sampling generator: images in [-1, 1], points or characters.

        Args:
          num: int32 scalar.
          seed: int [2]; the first k rows for `num` are the rows for k.
          truncation: float32 scalar, see `latents`; <= 0 for none.
          labels: int32 [num] for conditional generators; -1 draws one uniformly, None all.
        """
        return self.generate(self.draw_inputs(num, seed, truncation, labels))

    def draw_inputs(self, num, seed, truncation=0.0, labels=None) -> dict:
        """What `generate` takes, for the samples that `sample` gives; arguments as there."""
        seed = require_seed(seed)
        inputs = {"z": self.latents.sample(num, seed, truncation)}
        if self.num_classes:
            inputs["labels"] = given_or_drawn(labels, num, seed, self.num_classes)
        elif labels is not None:
            raise UserError("labels are given to a GAN without: set GAN.conditional = True")
        if self.alphabet:
            inputs["uniforms"] = draw_uniforms(num, seed, self.alphabet)
        return inputs

    def generate(self, inputs: dict):
        """Samples of rows of `draw_inputs`, each a function of its own row alone."""
        inputs = dict(inputs)
        uniforms = inputs.pop("uniforms", None)
        outputs = self.sampling_generator(inputs, training=False)
        if uniforms is None:
            return outputs
        return self.alphabet.decode(self.alphabet.draw(outputs, uniforms))

    # Training

    @property
    def slices(self) -> int:
        """Batches of reals that one training step takes."""
        needs_real = play.couples_batch(self.discriminator) or any(
            objective.generator_needs_real for objective in self.objectives
        )
        return self.d_steps + self.g_steps * int(needs_real and not self.reuse_last_batch)

    def train_step(self, data):
        """One training step; returns the value of every term, averaged over its player's updates.

        Also that of what moves in the augmentation, as it is after them.
        """
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        step = tf.identity(self.step.value)  # read once: nothing may see it counted up
        reals = images, labels, step
        substeps = range(self.d_steps)
        shares = _mean([self._update(DISCRIMINATOR, *reals, substep) for substep in substeps])
        first = self.d_steps - int(self.reuse_last_batch)
        substeps = range(first, first + self.g_steps)
        shares |= _mean([self._update(GENERATOR, *reals, substep) for substep in substeps])
        self.step.assign(step + 1)
        if self.uses_ema:
            self.ema.update(self.generator, step + 1)
        if self.augment is not None:
            levels = self.augment.levels()  # equal on all replicas
            shares |= {f"augment/{name}": play.equal_share(levels[name]) for name in levels}
        return self._log(shares, step + 1)

    def _update(self, player: str, images, labels, step, substep: int) -> dict:
        """One update of one player; returns this replica's share of each of its terms."""
        trained = self._trained_by(player)
        weights = [variable.value for variable in trained]
        game = self._game(step, substep)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            with frozen_state(player != GENERATOR):
                samples = self._samples(game, images, labels, min(substep, self.slices - 1))
            with frozen_state(player != DISCRIMINATOR):
                scored = self._score(player, game, samples)
                terms = self._terms(player, game, samples, scored)
            shares = {name: play.share(term) for name, (_, term) in terms.items()}
            if not terms:
                raise UserError(f"no objective has a term for the {player}: add @Adversarial()")
            loss = total([factor * shares[name] for name, (factor, _) in terms.items()])
        optimizer = self.d_optimizer if player == DISCRIMINATOR else self.g_optimizer
        gradients = play.gradients(tape, loss, weights)
        with tf.control_dependencies([loss]):
            # All passes have read the weights before any is updated. TensorFlow orders reads and
            # writes of a variable by itself, but a bias of which a pass needs no gradient was seen
            # updated before that pass read it, once in some thousand steps on a busy machine.
            gradients = [tf.identity(gradient) for gradient in gradients]
        optimizer.apply(play.clipped(optimizer, gradients), trained)
        if player == DISCRIMINATOR:
            self._after_update(game, samples, scored)
        return shares | {f"{player}/loss": loss}

    def _after_update(self, game, samples, scored):
        """Moves the state of objectives and augmentation, by what D said in its update."""
        for objective in self.objectives:
            objective.update(game, samples, scored.get(objective.name, {}))
        if self.augment is not None:
            self.augment.update(scored[""]["real"].logits, game.gather)

    def _game(self, step, substep: int) -> Game:
        def generate(z, labels):
            with frozen_state():
                return self._generate(z, labels)

        networks = {"generator": self.generator, "discriminator": self.discriminator}
        noise = random.Noise(self.seed, step, substep)
        return Game(noise, play.gather, step, **networks, generate=generate, alphabet=self.alphabet)

    def _generate(self, z, labels):
        inputs = {"z": z} if labels is None else {"z": z, "labels": labels}
        return self.generator(inputs, training=True)

    def _samples(self, game, images, labels, row: int) -> Samples:
        real = images[:, row]
        if self.alphabet:
            real = self.alphabet.encode(real)
        elif real.dtype == tf.uint8:
            real = from_uint8(real)
        number = real.shape[0]
        z = game.noise.draw("z", self.latents.sample, number)
        real_labels = fake_labels = None
        if self.num_classes:
            real_labels = labels[:, row]
            fake_labels = self.label_distribution(game.noise, real_labels, self.num_classes)
        outputs = fake = self._generate(z, fake_labels)
        if self.alphabet:
            fake = self.alphabet.relaxed(outputs, game.noise)
        if self.augment is not None:
            pairs = (real, real_labels), (fake, one_hot_like(fake_labels, real_labels))
            real, real_labels = self.augment.mix(*pairs, game.noise, "augment")
        return Samples(real, real_labels, z, fake_labels, fake, outputs)

    def _augmentation(self, player: str, game):
        """What is done to the images of a view, function (images, tag); None for nothing."""
        if self.augment is None:
            return None
        prefix = f"augment/{player}"
        return lambda images, tag: self.augment(images, noise=game.noise, tag=f"{prefix}/{tag}")

    def _score(self, player: str, game, samples) -> dict:
        """{objective: {view: Scored}} of those that look at D in every step."""
        always = [o for o in self.objectives if o.every == 1]
        views = {o.name: o.views(player, game, samples) for o in always}
        adapts = self.augment is not None and player == DISCRIMINATOR
        if adapts or play.couples_batch(self.discriminator):
            # A D that couples its batch judges fakes beside reals, as it learns to.
            views[""] = {"real": View(samples.real, samples.real_labels)}
        return play.score(self.discriminator, views, self._augmentation(player, game))

    def _terms(self, player: str, game, samples, scored) -> dict:
        """{name in the logs: (factor, Term)} of the player's loss."""
        found, augment = {}, self._augmentation(player, game)
        for objective in self.objectives:
            if objective.every > 1:
                terms = play.lazy_terms(objective, player, game, samples, augment)
            else:
                terms = getattr(objective, player)(game, samples, scored[objective.name])
            for term in terms:
                name = "/".join(filter(None, (player, objective.name, term.name)))
                found[name] = objective.factor_of(term, game.step), term
        return found

    def _log(self, shares: dict, step) -> dict:
        """The global value of each term."""
        names = sorted(shares)
        values = play.all_reduce_sum(tf.stack([shares[name] for name in names]))
        self.first_failure.note(names, values, step)
        return dict(zip(names, tf.unstack(values), strict=True))


def _mean(updates: list[dict]) -> dict:
    """Of each term, over the updates of a player."""
    return {name: sum(u[name] for u in updates) / len(updates) for name in updates[0]}

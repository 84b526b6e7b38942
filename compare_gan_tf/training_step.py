"""One training step: the updates of D, then those of G, and what each of them is made of."""

import keras
import tensorflow as tf

from compare_gan_tf import game as play
from compare_gan_tf import random
from compare_gan_tf.architectures.conditioning import one_hot_like
from compare_gan_tf.data.images import from_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.layers import frozen_state
from compare_gan_tf.layers.state import training_pass
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR, Game, Samples, View, total


class TrainingStep(keras.Model):
    """What a `GAN` does in one step; its constructor sets the attributes that are read here."""

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
        images, labels = self._with_slices(images, labels)
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

    def _with_slices(self, images, labels):
        """[n, slices, ...] as it is; of a plain batch [n, ...] the one slice that all updates see.

        Raises:
          UserError: the samples have another shape than those of G, or labels are missing.
        """
        plain = len(images.shape) == len(self.sample_shape) + 1
        if tuple(images.shape[1 if plain else 2 :]) != self.sample_shape:
            raise UserError(
                f"the batch has the shape {tuple(images.shape)}: it must be n samples of "
                f"{self.sample_shape}"
            )
        if images.shape[0] is None:
            raise UserError("the size of a batch is unknown: give fit arrays, or tf.data")
        if self.num_classes and labels is None:
            raise UserError("GAN.conditional is True but the batch has no labels: give both")
        if not plain:
            return images, labels
        if labels is not None:
            labels = tf.convert_to_tensor(labels)[:, tf.newaxis]
        return tf.convert_to_tensor(images)[:, tf.newaxis], labels

    def _update(self, player: str, images, labels, step, substep: int) -> dict:
        """One update of one player; returns this replica's share of each of its terms."""
        trained = self._trained_by(player)
        weights = [variable.value for variable in trained]
        game = self._game(step, substep)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            with frozen_state(player != GENERATOR):
                samples = self._samples(game, images, labels, min(substep, images.shape[1] - 1))
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
        return training_pass(self.generator, inputs)

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

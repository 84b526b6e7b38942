"""A check of objectives: their gradients, their graphs and their checkpoints."""

__all__ = ["check_objective"]

import functools
import math
import tempfile
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from compare_gan_tf.gan import GAN, fitting, update
from compare_gan_tf.objectives import Adversarial, Objective
from compare_gan_tf.objectives.base import DISCRIMINATOR, GENERATOR
from compare_gan_tf.runs import checkpoints
from compare_gan_tf.testing.games import random_batch, small_gan

_BESIDE = "beside"  # name of the adversarial loss, which trains both players in any case


def check_objective(
    make: Callable[[], Objective | list[Objective]], *, gan: Callable[..., GAN] = small_gan
) -> None:
    """Checks an objective in a small GAN that also has an adversarial loss.

    * Its terms are finite, and the logs have them under its name.
    * Two training steps compiled by XLA give the same terms and weights as in eager mode.
    * Each of its terms changes the player's weights; each of its trainable variables is trained.
    * A run restored from a checkpoint continues as if it had not stopped: the state is saved.

    Args:
      make: makes a new objective, because every GAN needs its own; or a list of several, which are
        checked together.
      gan: function (objectives) -> the GAN in which they are checked; pass `small_gan` with other
        settings if the objective needs another player or an alphabet.

    Raises:
      AssertionError: a rule is broken; the message says which.
    """

    def made() -> GAN:
        keras.utils.set_random_seed(0)
        found = make()
        own = [*found] if isinstance(found, list | tuple) else [found]
        built = gan([Adversarial(name=_BESIDE), *own])
        # The next step is one at which every lazy objective is due.
        built.step.assign(max(math.lcm(*(objective.every for objective in own)), 6) - 1)
        return built

    _check_graph(made)
    _check_gradients(made())
    _check_restores(made)


def _steps(run: Callable, gan: GAN, number: int, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [run(random_batch(gan, rng)) for _ in range(number)]


def _values(gan: GAN) -> dict[str, np.ndarray]:
    every = [*gan.variables, *gan.g_optimizer.variables, *gan.d_optimizer.variables]
    return {f"variable {number} {v.name}": v.numpy() for number, v in enumerate(every)}


def _check_graph(made: Callable[[], GAN]) -> None:
    found = []
    for wrap in (
        lambda step: step,
        functools.partial(tf.function, jit_compile=True, autograph=False),
    ):
        gan = made()
        logs = _steps(wrap(gan.train_step), gan, 2, seed=0)
        terms = {
            f"{k} of step {i}": v.numpy() for i, one in enumerate(logs) for k, v in one.items()
        }
        found.append(terms | _values(gan))
    plain, compiled = found
    # By place: Keras numbers the names of objectives that were given none.
    for (name, value), other in zip(plain.items(), compiled.values(), strict=True):
        assert np.all(np.isfinite(value)), f"{name} is not finite: {value}"
        np.testing.assert_allclose(
            other, value, rtol=1e-3, atol=1e-4, err_msg=f"{name}, compiled and in eager"
        )


def _check_gradients(gan: GAN) -> None:
    beside, *own = gan.objectives
    data = fitting.as_slices(gan, random_batch(gan, np.random.default_rng(0)))
    reals = [part[:, 0] for part in data]
    start = [(variable, variable.numpy()) for variable in gan.variables]

    def after(player: str, *objectives) -> tuple[dict, list[np.ndarray], list[np.ndarray]]:
        """Logs, weights of the player, and trainable variables of the last objective."""
        for variable, value in start:
            variable.assign(value)
        object.__setattr__(gan, "objectives", list(objectives))  # Keras would track them anew
        logs = update.update(gan, player, *reals, step=tf.identity(gan.step.value), substep=0)
        weights = getattr(gan, player).trainable_variables
        return logs, *(
            [variable.numpy() for variable in some]
            for some in (weights, objectives[-1].trainable_variables)
        )

    plain = {player: after(player, beside)[1] for player in (DISCRIMINATOR, GENERATOR)}
    for objective in own:
        variables = [variable.numpy() for variable in objective.trainable_variables]
        moved, has_terms = np.zeros(len(variables), bool), False
        for player, without in plain.items():
            logs, weights, found = after(player, beside, objective)
            terms = [n for n in logs if f"{n}/".startswith(f"{player}/{objective.name}/")]
            has_terms |= bool(terms)
            assert not terms or _differ(weights, without), (
                f"{objective.name} has a term for the {player} that does not move it: {terms}"
            )
            pairs = zip(variables, found, strict=True)
            moved |= np.array([_differ([a], [b]) for a, b in pairs], bool)
        assert has_terms or objective.observes, f"{objective.name} has no terms and no state"
        still = [v.path for v, m in zip(objective.trainable_variables, moved, strict=True) if not m]
        assert not still, f"no player moves {still} of {objective.name}"


def _differ(some: list, others: list) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(some, others, strict=True))


def _check_restores(made: Callable[[], GAN]) -> None:
    with tempfile.TemporaryDirectory() as folder:

        def start():
            gan = made()
            return gan, checkpoints.Checkpoints(gan, folder, keep=1)

        gan, saver = start()
        _steps(gan.train_step, gan, 1, seed=3)
        saver.save()
        at = gan.current_step
        _steps(gan.train_step, gan, 1, seed=4)
        again, saver = start()
        for variable in again.variables:  # a run that begins otherwise, to be overwritten
            if variable.trainable:
                variable.assign(variable + 1.0)
        assert saver.restore() == at
        _steps(again.train_step, again, 1, seed=4)
    pairs = zip(_values(gan).items(), _values(again).values(), strict=True)
    for (name, one), other in pairs:
        np.testing.assert_allclose(
            other, one, rtol=1e-4, atol=1e-6, err_msg=f"{name}, restored and not stopped"
        )

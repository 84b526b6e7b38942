"""A check of losses of D's logits."""

__all__ = ["check_loss"]

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from compare_gan_tf.objectives.losses import Losses, as_losses, require_loss

_FAR = (-50.0, -1.0, 0.0, 1.0, 50.0)


def check_loss(loss: Callable | tuple) -> None:
    """Checks an adversarial loss, in any form that `Adversarial` takes.

    * It returns losses per sample, and G's losses depend on the fakes only.
    * Losses and gradients are finite, also at logits of -50 and 50.
    * Losses and gradients in a graph and under XLA equal those in eager mode.
    * A larger logit means "more real": at logits of 0.5, D's loss falls with the logits of reals
      and rises with those of fakes, and G's loss falls with those of fakes.

    Args:
      loss: function (real_logits [n], fake_logits [n]) -> `Losses`, or (D's loss, G's loss); or a
        pair of functions: see `losses.as_losses`.

    Raises:
      AssertionError, UserError: a rule is broken; the message says which.
    """
    require_loss("the loss", loss)
    function = as_losses(loss)

    def with_gradients(real, fake):
        """{name: values} of the losses, and of their gradients by real and by fake logits."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([real, fake])
            losses = function(real, fake)
            sums = {
                "D": tf.reduce_sum(losses.real) + tf.reduce_sum(losses.fake),
                "G": tf.reduce_sum(losses.generator),
            }
        found = dict(zip(Losses._fields, losses, strict=True))
        for player, value in sums.items():
            slopes = tape.gradient(value, [real, fake], unconnected_gradients="zero")
            found |= dict(zip((f"{player} by reals", f"{player} by fakes"), slopes, strict=True))
        return found

    grid = [tf.constant(part) for part in np.float32(np.meshgrid(_FAR, _FAR)).reshape(2, -1)]
    plain = with_gradients(*grid)
    for compiled in (False, True):
        graph = tf.function(with_gradients, jit_compile=compiled)(*grid)
        for name, value in plain.items():
            assert np.all(np.isfinite(value)), f"{name} is not finite: {value}"
            np.testing.assert_allclose(
                graph[name], value, rtol=1e-4, atol=1e-5, err_msg=f"{name}, in a graph"
            )
    pair = tf.constant([0.5]), tf.constant([0.5])
    slopes = {k: float(v[0]) for k, v in with_gradients(*pair).items()}
    assert slopes["D by reals"] < 0.0, f"D's loss must fall with real logits: {slopes}"
    assert slopes["D by fakes"] > 0.0, f"D's loss must rise with fake logits: {slopes}"
    assert slopes["G by fakes"] < 0.0, f"G's loss must fall with fake logits: {slopes}"

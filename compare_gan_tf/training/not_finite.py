"""What a training does when a loss or a weight is NaN or infinite: `train.not_finite`.

Without a policy it stops, with the term and the last good checkpoint in the message.
"""

from typing import Annotated

import gin
from absl import logging

from compare_gan_tf.errors import NotFinite, UserError
from compare_gan_tf.optimizers import rates
from compare_gan_tf.runs import rollbacks
from compare_gan_tf.settings.signatures import Count, Made, Number, checked
from compare_gan_tf.training import folder

Lowering = Annotated[float, Number(above=0, below=1)]


@gin.register(module="training")
class RollBack:
    """Goes back to the last good checkpoint, and on from there with lower learning rates.

    All learning rates are multiplied by `factor`, each time again. `rollbacks.jsonl` in the run's
    folder has a row of each time; a resumed run counts them, and has their rates.

    Args:
      times: how often, at most, in a run.
      factor: of the learning rates, in (0, 1).
    """

    @checked
    def __init__(self, times: Count = 3, factor: Lowering = 0.5):
        self.times, self.factor = times, factor

    def prepare(self, gan) -> None:
        """Makes the learning rates scalable; call it before the first step is traced."""
        for optimizer in (gan.g_optimizer, gan.d_optimizer):
            rates.make_scalable(optimizer)

    def resume(self, gan, model_dir: str) -> None:
        """Lowers the learning rates of a resumed run as often as before."""
        done = rollbacks.read(model_dir)
        if done:
            self._multiply(gan, done[-1]["rate"])

    def go_back(self, gan, saver, model_dir: str, failure: NotFinite) -> int:
        """Restores the last good checkpoint; returns its step.

        Raises:
          UserError: it went back as often as it may, or the checkpoint cannot be read.
        """
        done = rollbacks.read(model_dir)
        if len(done) >= self.times:
            raise UserError(
                f"{failure}; training went back {len(done)} times, each time with lower learning "
                f"rates, see {rollbacks.FILE}"
            ) from failure
        first = saver.restore()
        gan.first_failure.forget()
        folder.cut_back(model_dir, first)
        self._multiply(gan, self.factor)
        rate = self.factor * (done[-1]["rate"] if done else 1.0)
        row = {"step": failure.step, "term": failure.term, "restored": first, "rate": rate}
        rollbacks.add(model_dir, row)
        logging.warning(
            "step %d: %s is not finite: back to step %d, with learning rates times %g",
            failure.step, failure.term, first, rate,
        )  # fmt: skip
        return first

    def _multiply(self, gan, factor: float) -> None:
        for optimizer in (gan.g_optimizer, gan.d_optimizer):
            rates.multiply(optimizer, factor)


NotFinitePolicy = Annotated[
    RollBack, Made(RollBack, like="@RollBack(), with parentheses, or None to stop")
]

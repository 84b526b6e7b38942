import catalogue
import numpy as np
import pytest

from compare_gan_tf.objectives import boundary_seeking
from compare_gan_tf.testing import games


def test_a_training_step_moves_log_z_and_logs_it():
    objective = boundary_seeking.BoundarySeeking(log_z_decay=0.5)
    gan = catalogue.make_gan([objective])
    logs = gan.train_step(games.random_batch(gan, np.random.default_rng(0)))
    name = "generator/boundary_seeking/log_z"
    assert float(objective.log_z) != 0.0
    assert float(logs[name]) == pytest.approx(float(objective.log_z), abs=1e-7)
    total = float(logs["generator/boundary_seeking"])
    assert float(logs["generator/loss"]) == pytest.approx(total, abs=1e-6)  # log Z is no term

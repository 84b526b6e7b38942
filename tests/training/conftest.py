"""Small runs in this process."""

import pytest
from small_runs import model

from compare_gan_tf import data, training


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def run(digits):
    def train(folder, steps, **settings):
        defaults = dict(batch_size=50, checkpoint_every=7, log_every=1, sample_every=5)
        return training.train(
            str(folder),
            dataset=digits,
            model=settings.pop("model", model),
            training_steps=steps,
            **defaults | settings,
        )

    return train


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """A run of 30 steps without interruption: more than one epoch of the 1,197 digits."""
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, 30), folder

"""A run that begins with the players of another."""

import functools

import numpy as np
import pytest
from small_runs import model

from compare_gan_tf.errors import UserError

pytestmark = pytest.mark.optimised_graphs


def test_a_warm_start_takes_the_players_and_leaves_the_rest(run, whole, tmp_path):
    gan = run(tmp_path, 1, init_from=str(whole[1]), freeze_d_layers=2, seed=5)
    assert int(gan.step) == 1
    source = whole[0].discriminator
    for name, frozen in (("dense0", True), ("dense1", True), ("logit", False)):
        new, old = (d.get_layer(name).layer.kernel.numpy() for d in (gan.discriminator, source))
        assert np.array_equal(new, old) == frozen
        assert np.allclose(new, old, atol=0.1)
    resumed = run(tmp_path, 2, init_from=str(whole[1]), freeze_d_layers=2, seed=5)
    assert int(resumed.step) == 2


def test_a_bad_warm_start_writes_nothing(run, whole, tmp_path):
    with pytest.raises(UserError, match="no checkpoints"):
        run(tmp_path / "run", 1, init_from=str(tmp_path / "nowhere"))
    whole = str(whole[1])
    with pytest.raises(UserError, match="3 layers with weights, so it must be 0 to 2"):
        run(tmp_path / "run", 1, freeze_d_layers=3, init_from=whole)
    with pytest.raises(UserError, match="freeze_d_layers = 1 would keep random weights"):
        run(tmp_path / "run", 1, freeze_d_layers=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_warm_start_makes_the_average_that_the_other_run_had_not(run, tmp_path):
    plain = functools.partial(model, ema_decay=None)
    source = run(tmp_path / "plain", 2, model=plain)
    gan = run(tmp_path / "averaged", 1, init_from=str(tmp_path / "plain"), seed=3)
    pairs = zip(gan.ema.generator.variables, source.generator.variables, strict=True)
    for average, weight in pairs:
        np.testing.assert_allclose(average, weight, atol=0.02)  # one step from there
    back = run(tmp_path / "back", 1, model=plain, init_from=str(tmp_path / "averaged"))
    assert not back.uses_ema

"""`compare-gan toy`: trains in the plane, and draws what the run went through."""

import pytest
from PIL import Image

from compare_gan_tf import data, training
from compare_gan_tf.bin import toy
from compare_gan_tf.training import preparing

SHORT = tuple(
    f"--gin_bindings=train.{name} = {value}"
    for name, value in {
        "training_steps": 20,
        "steps_per_execution": 10,
        "checkpoint_every": 10,
        "log_every": 10,
        "batch_size": 32,
    }.items()
)


@pytest.mark.parametrize("config", ["gan_kl", pytest.param("reverse_kl", marks=pytest.mark.slow)])
def test_it_draws_every_checkpoint(run_verb, tmp_path, config):
    flags = (f"--gin_config=toy/{config}.gin", f"--model_dir={tmp_path}", *SHORT)
    code, out, err = run_verb(toy, *flags)
    assert code == 0, err
    assert "KL(q || p)" in out and "covariance" in out
    with Image.open(tmp_path / "toy" / "animation.gif") as animation:
        assert animation.n_frames == 3  # of steps 0, 10 and 20
    with Image.open(tmp_path / "toy" / "figure.png") as figure:
        assert min(figure.size) > 400


@pytest.mark.slow
def test_data_and_gan_are_made_once(run_verb, tmp_path, monkeypatch):
    """By a start, and by a second one that only draws."""
    made = []

    def count(module, name):
        function = getattr(module, name)

        def counted(*arguments, **keywords):
            made.append(name)
            return function(*arguments, **keywords)

        monkeypatch.setattr(module, name, counted)

    count(data, "load")
    count(preparing, "build")
    count(training, "build")
    flags = ("--gin_config=toy/reverse_kl.gin", f"--model_dir={tmp_path}", *SHORT)
    for _ in range(2):
        made.clear()
        code, _, err = run_verb(toy, *flags)
        assert code == 0, err
        assert made == ["load", "build"]


def test_images_are_refused(run_verb, tmp_path):
    flags = ("--gin_config=quickstart.gin", f"--model_dir={tmp_path}", *SHORT)
    code, _, err = run_verb(toy, *flags, "--gin_bindings=train.sample_every = 20")
    assert code == 1 and "the playground is for points in the plane" in err
    assert not list(tmp_path.iterdir())

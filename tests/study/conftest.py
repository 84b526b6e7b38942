"""Studies that are made without looking up what they bind: that would take TensorFlow."""

import pytest

pytest.importorskip("optuna")

BASE = "data.load.name = 'digits'\n"
AXES = '{"loss": {"a": ["Adversarial.loss = @hinge"], "b": ["Adversarial.loss = @wasserstein"]}}'


@pytest.fixture
def write(tmp_path):
    """A function (**parameters) -> path of a study, of two losses by default."""
    (tmp_path / "base.gin").write_text(BASE)

    def write(file="one.gin", **parameters):
        parameters = {"base": '"base.gin"', "axes": AXES} | parameters
        lines = [f"study.{name} = {value}" for name, value in parameters.items() if value]
        path = tmp_path / file
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


@pytest.fixture
def make(write, tmp_path):
    """A function (study_dir, **parameters) -> a study in SQLite, or in a storage."""
    from compare_gan_tf.study import connection, reading, storage

    def make(study_dir, *, opened=None, **parameters):
        study_dir.mkdir(exist_ok=True)
        plan, texts = reading.read(write(**parameters))
        opened = opened or connection.connect(connection.default_url(str(study_dir)))
        directions = {"fid": False, "recall": True}
        return storage.create(opened, plan, texts, directions=directions, command="make")

    return make

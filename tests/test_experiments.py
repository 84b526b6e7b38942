"""The rows of the papers: that each can be run, and what is said of its numbers."""

import argparse
import pathlib
import subprocess
import sys
import zipfile

import pytest

FOLDER = pathlib.Path(__file__).parent.parent / "experiments"


@pytest.fixture(scope="module")
def modules():
    """reproduce.py and measures.py, which are scripts and no part of the package."""
    sys.path.insert(0, str(FOLDER))
    import reproduce

    import measures

    yield reproduce, measures
    sys.path.remove(str(FOLDER))


def test_every_row_says_what_it_measures(modules):
    reproduce, measures = modules
    assert len(reproduce.names()) >= 20
    for name in reproduce.names():
        row = reproduce.load(name)
        assert reproduce.title(row) and callable(row.measure)
        names = [measure.name for measure in row.MEASURES]
        assert names and len({*names}) == len(names)
        assert all(isinstance(measure, measures.Measure) for measure in row.MEASURES)


def test_the_median_of_the_seeds_decides(modules):
    _, measures = modules
    bound = measures.Measure(name="|x|", at_most=1.0, source="a paper")
    free = measures.Measure(name="y")
    values = [{"|x|": x, "y": 2.0} for x in (0.5, 9.0, 0.75)]
    assert measures.table("Row", [bound, free], values).splitlines() == [
        r"| Row | \|x\| | 0.75 [0.5, 9] | ≤ 1 (a paper) | yes |",
        "| Row | y | 2 [2, 2] | reported |  |",
    ]
    assert not bound.reproduced([{"|x|": 2.0}]) and not bound.reproduced([{"|x|": float("nan")}])
    assert free.reproduced([{"y": float("nan")}])
    with pytest.raises(ValueError, match="measured"):
        measures.table("Row", [bound], values)


def test_an_unknown_row_is_one_line():
    command = [sys.executable, str(FOLDER / "reproduce.py"), "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "no row 'nowhere'; there are: " in done.stderr


def test_each_model_of_the_zoo_has_a_config_and_metrics_and_ships(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import zoo

    from compare_gan_tf import pretrained
    from compare_gan_tf.config import gin_files
    from compare_gan_tf.metrics import registry

    assert pretrained.names() == sorted(n for n, model in zoo.MODELS.items() if model.ships)
    for model in zoo.MODELS.values():
        assert model.config in gin_files.packaged_configs()
        assert registry.resolve(model.metrics.split(","))
    config = "a = 1\nload.data_dir = '/x'\ndata.load.data_dir = '/y'\nload.name = 'd'\n"
    assert zoo._without_data_dir(config) == "a = 1\nload.name = 'd'\n"
    for path in zoo.shipped.FOLDER.rglob("*.keras"):
        assert {one.compress_type for one in zipfile.ZipFile(path).infolist()} == {8}  # deflated
    del sys.modules["zoo"]


def test_the_zoo_binds_weights_of_resnet50_only_where_they_are_used(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(FOLDER)
    import zoo

    ran = []
    monkeypatch.setattr(zoo, "command", lambda verb, *flags: ran.append((verb, flags)))
    options = argparse.Namespace(runs=tmp_path, data_dir="/data", resnet50="weights.h5")
    for name, uses in (("mnist", False), ("cifar10", True)):
        ran.clear()
        assert zoo.train(name, 1, options) == tmp_path / name / "1"
        assert [verb for verb, _ in ran] == ["train", "evaluate", "export"]
        assert ("--gin_bindings=keras_resnet50.path = 'weights.h5'" in ran[1][1]) == uses
    del sys.modules["zoo"]


def test_the_zoo_compresses_archives_and_keeps_what_they_hold(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(FOLDER)
    import zoo

    with zipfile.ZipFile(tmp_path / "plain.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("weights", bytes(100_000))
    zoo._compress(tmp_path / "plain.keras", tmp_path / "packed.keras")
    with zipfile.ZipFile(tmp_path / "packed.keras") as packed:
        assert packed.read("config.json") == b"{}" and packed.read("weights") == bytes(100_000)
    assert (tmp_path / "packed.keras").stat().st_size < 1_000
    del sys.modules["zoo"]

"""`compare-gan doctor`: what it finds, what it calls broken, and the cures."""

import json
import os
import types

import pytest
import tensorflow as tf
from packaging.requirements import Requirement

from compare_gan_tf.bin import doctor
from compare_gan_tf.bin.doctor import machine, packages, places
from compare_gan_tf.bin.doctor.findings import BROKEN, NOTE, OK, Finding

PROBED = {
    "gpus": [], "tpus": [], "is_built_with_cuda": True, "device": "CPU:0", "import_seconds": 1.0,
    "keras_backend": "tensorflow", "multiply_adds_per_second": 5e9, "largest_error": 1e-4,
    "tolerance": 2e-2,
}  # fmt: skip


@pytest.fixture
def installed(monkeypatch):
    """Returns a function that sets the version of a package; None: it is not installed."""
    real, given = packages._version, {}
    monkeypatch.setattr(
        packages, "_version", lambda name: given[name] if name in given else real(name)
    )
    return lambda name, version: given.update({name: version})


def states(findings):
    return {one.name: one.state for one in findings}


def test_this_installation_is_whole():
    assert set(states(packages.versions()).values()) == {OK}
    assert list(packages.combinations()) == []


def test_the_versions_are_those_that_are_imported():
    found = {one.name: one.value for one in packages.versions()}
    assert found["tensorflow"] == tf.__version__
    assert {"keras", "numpy", "tensorflow-datasets", "gin-config"} <= found.keys()


def test_an_old_keras_and_a_missing_jinja_are_broken(installed):
    installed("keras", "3.0.0")
    installed("jinja2", None)
    found = {one.name: one for one in packages.versions()}
    assert found["keras"].state == BROKEN and "keras>=3.15" in found["keras"].cure
    assert found["jinja2"].cure == "pip install 'jinja2'"
    assert found["numpy"].state == OK


def test_a_numpy_that_another_package_does_not_take_is_broken(installed):
    """Its own metadata say what a package takes."""
    installed("numpy", "9.0")
    broken = [one for one in packages.combinations() if "numpy" in one.cure]
    assert any(one.name.startswith("scipy") and "9.0" in one.value for one in broken)


def test_setuptools_without_pkg_resources_is_broken(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    (found,) = packages.combinations()
    assert (found.name, found.cure) == ("setuptools", "pip install 'setuptools<81'")


@pytest.mark.parametrize(
    ("variable", "value"), [("KERAS_BACKEND", "jax"), ("TF_USE_LEGACY_KERAS", "1")]
)
def test_variables_that_change_keras_are_broken(variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    assert states(packages.combinations()) == {variable: BROKEN}


def test_an_extra_is_missing_with_what_it_lacks(installed):
    installed("optuna", None)
    found = {one.name: one for one in packages.extras()}
    assert found["[study]"].value == "not installed: optuna"
    assert found["[study]"].cure == "pip install 'compare_gan_tf[study]'"
    assert "optuna" in found["[bandit]"].value  # it has compare_gan_tf[study] in it


def test_a_build_of_tensorflow_takes_the_place_of_tensorflow(installed):
    installed("tensorflow", None)
    assert packages.missing(Requirement("tensorflow>=2.19"))
    installed("tensorflow-tpu", "2.19.1")
    assert not packages.missing(Requirement("tensorflow>=2.19"))


# --- The machine -------------------------------------------------------------------------------


def test_memory_and_threads_are_those_of_the_kernel():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    total = float(machine.memory().value.split(" of ")[1].split()[0])
    assert 0 < total <= pages / 1e9 + 0.1
    cores = int(machine.threads().value.split()[0])
    assert 1 <= cores <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("script", "value", "cure"),
    [
        ("kill -ILL $$", "it is ended by SIGILL", "AVX"),
        ("echo 'ImportError: numpy is broken' >&2; exit 1", "ImportError: numpy", "constraints"),
    ],
)
def test_a_tensorflow_that_dies_is_broken(script, value, cure, monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(machine.sys, "executable", str(python))
    (found,) = machine.tensorflow()
    assert found.state == BROKEN
    assert value in found.value and cure in found.cure


def test_why_there_is_no_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "hidden by CUDA_VISIBLE_DEVICES" in machine.gpu(PROBED, "").value
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(machine.os.path, "exists", lambda path: False)
    assert machine.gpu(PROBED, "").state == OK
    monkeypatch.setattr(machine.os.path, "exists", lambda path: path == "/dev/nvidiactl")
    said = "W0000 1.2 3 gpu_device.cc:1] Cannot dlopen some GPU libraries"
    found = machine.gpu(PROBED, said)
    assert found.state == BROKEN and "Cannot dlopen" in found.value
    assert "compare_gan_tf[gpu]" in found.cure
    assert machine.gpu(PROBED | {"gpus": ["NVIDIA H200"]}, "").value == "NVIDIA H200"


def test_a_wrong_product_is_broken():
    assert "5 G multiply-adds/s" in machine.product(PROBED).value
    assert machine.product(PROBED | {"largest_error": 3.0}).state == BROKEN


# --- Folders -----------------------------------------------------------------------------------


def test_the_locks_of_a_folder_work_and_nothing_is_left(tmp_path):
    found = places.writer(str(tmp_path / "runs" / "mine"))
    assert found.state == OK and str(tmp_path) in found.value
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_or_locked(monkeypatch, tmp_path):
    assert places.writer("/proc/self").state == BROKEN
    monkeypatch.setattr(places.locks.fcntl, "flock", lambda *_: None)  # as on some file systems
    assert places.writer(str(tmp_path)).state == NOTE


def test_a_full_disk_is_broken(monkeypatch, tmp_path):
    usage = types.SimpleNamespace(free=5e7, total=1e12)
    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: usage)
    assert places.disk(str(tmp_path)).state == BROKEN


def prepared(folder, *, files, kind="tfrecord"):
    """A folder as tfds writes it."""
    place = folder / "mnist" / "3.0.1"
    place.mkdir(parents=True)
    splits = [{"name": "train", "shardLengths": ["40", "20"]}]
    splits += [{"name": "test", "shardLengths": ["10"]}]
    info = {"name": "mnist", "fileFormat": kind, "splits": splits}
    (place / "dataset_info.json").write_text(json.dumps(info))
    for number in range(files):
        (place / f"mnist-train.{kind}-{number}").touch()


def test_prepared_data_sets_are_listed_with_their_sizes(tmp_path):
    prepared(tmp_path, files=3)
    total, found = places.data_sets(str(tmp_path))
    assert total.value.startswith("1 prepared")
    assert (found.name, found.value) == ("mnist/3.0.1", "train 60, test 10")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": 2}, "2 of its 3 files"),
        ({"files": 3, "kind": "array_record"}, "which is not read"),
    ],
)
def test_damaged_data_sets_are_broken(change, said, tmp_path):
    prepared(tmp_path, **change)
    _, found = places.data_sets(str(tmp_path))
    assert found.state == BROKEN and said in found.value and "mnist/3.0.1" in found.cure


def test_a_data_dir_that_is_not_there_is_broken(tmp_path):
    (found,) = places.data_sets(str(tmp_path / "none"))
    assert found.state == BROKEN


# --- The verb ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "code"), [(OK, 0), (NOTE, 0), (BROKEN, 1)])
def test_the_exit_code_and_the_json(state, code, monkeypatch, run_verb, tmp_path):
    made = Finding("tensorflow starts", "slowly", state, "wait")
    monkeypatch.setattr(machine, "tensorflow", lambda: [made])
    ended, out, _ = run_verb(doctor, f"--model_dir={tmp_path}", "--json")
    assert ended == code
    found = json.loads(out)
    assert found["broken"] == code
    assert found["checks"]["machine"][-1]["state"] == state
    ended, out, _ = run_verb(doctor, f"--model_dir={tmp_path}")
    assert ended == code and "slowly" in out


@pytest.mark.slow
def test_tensorflow_starts_and_multiplies_here():
    found = {one.name: one for one in machine.tensorflow()}
    assert found["tensorflow starts"].state == OK
    assert float(found["matrix product"].value.split()[0]) > 0

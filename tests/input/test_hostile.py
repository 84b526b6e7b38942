"""What a stranger's file may not do: run code, be unpickled, or load what runs code."""

import ast
import json
import pathlib
import shutil
import subprocess
import sys
import zipfile

import gin
import keras
import pytest
from small_config import SMALL

from compare_gan_tf import config, load_keras
from compare_gan_tf.config import configurables
from compare_gan_tf.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = [*(ROOT / "compare_gan_tf").rglob("*.py"), *(ROOT / "export").rglob("*.py")]
UNPICKLES = {
    "pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "torch.load",
}
READS_ARRAYS = {"load", "read_array"}  # of numpy


# --- Our code ---------------------------------------------------------------------------------


def calls(tree):
    """(text of the function, keyword arguments) of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            yield ast.unparse(node.func), given


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert not UNPICKLES.intersection(name.partition(".")[0] for name in names), names
    for function, given in calls(tree):
        assert function not in {"eval", "exec", "os.system", "os.popen", *UNPICKLES}, function
        assert given.get("shell") in (None, "False"), function
        assert given.get("verify") != "False", function
        library, _, name = function.rpartition(".")
        if library in ("np", "numpy", "np.lib.format") and name in READS_ARRAYS:
            assert given.get("allow_pickle") == "False", function


def test_the_rule_finds_what_it_is_about():
    found = dict(calls(ast.parse("np.load(path)\nnp.load(path, allow_pickle=True)")))
    assert found == {"np.load": {"allow_pickle": "True"}}
    numbers = [one for path in SOURCES for one, _ in calls(ast.parse(path.read_text()))]
    assert sum(one in ("np.load", "np.lib.format.read_array") for one in numbers) >= 7


# --- Configs ----------------------------------------------------------------------------------


def test_a_config_reaches_functions_of_this_package_and_of_gin_alone():
    configurables.load()
    modules = {
        gin.get_configurable(selector).__module__.partition(".")[0]
        for selector in config.gin_insides.selectors()
        if not selector.startswith(("wrong_settings.", "gin."))
    }
    assert "compare_gan_tf" in modules
    strangers = modules - {"compare_gan_tf"}
    assert not strangers & {"os", "posix", "subprocess", "sys", "builtins", "shutil", "importlib"}


@pytest.mark.parametrize(
    "line",
    [
        "GAN.objectives = [@os.system('true')]",
        "GAN.objectives = [@os.system]",
        "GAN.objectives = @subprocess.run()",
        "GAN.objectives = @builtins.eval()",
        "GAN.objectives = @gin.config.parse_config()",
        "GAN.objectives = %os.system",
        "GAN.objectives = __import__('os').system('true')",
        "GAN.objectives = [x for x in ()]",
        "os.system.command = 'touch was_run'",
        "subprocess.run.args = ['touch', 'was_run']",
        "system = @os.system\nGAN.objectives = %system",
        "os/system.command = 'touch was_run'",
        "import os\nos.system.command = 'touch was_run'",
        "from os import system\nGAN.objectives = @system('touch was_run')",
        "from __gin__ import dynamic_registration\nimport os\nGAN.objectives = @os.system",
    ],
)
def test_no_macro_and_no_reference_reaches_the_system(line, no_bindings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configurables.load()
    (tmp_path / "x.gin").write_text(f"{SMALL}{line}\n")
    with pytest.raises(UserError) as caught:
        config.parse(["x.gin"])
        config.check_used()
    assert "\n" not in str(caught.value) and not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({f"{i}.gin": f"include '{i + 1}.gin'\n" * 2 for i in range(30)}, "1,000 files"),
        ({f"{i}.gin": f"include '{i + 1}.gin'\n" for i in range(200)}, "50 levels"),
        ({"0.gin": "train.seed = 1\n" * 2**21}, "it is no gin file"),
        (
            {"0.gin": "m0 = [1, 1]\n" + "".join(f"m{i} = [%m{i - 1}, %m{i - 1}]\n"
             for i in range(1, 40)) + "GAN.objectives = %m39\n"},
            "means 131,070 values",
        ),
        (
            {"0.gin": "".join(f"s{i}/InfoMax.weight = [@s{i - 1}/InfoMax(), @s{i - 1}/InfoMax()]\n"
             for i in range(1, 40)) + "GAN.objectives = @s39/InfoMax()\n"},
            "through the macros and calls in it, more than 100,000",
        ),
    ],
    ids=["wide includes", "deep includes", "huge", "macros", "calls"],
)  # fmt: skip
def test_a_bomb_of_a_config_is_refused_by_its_size(files, part, no_bindings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configurables.load()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / f"{len(files)}.gin").write_text("train.seed = 1\n")
    with pytest.raises(UserError, match=part):
        config.parse(["0.gin"])


# --- Keras' files -----------------------------------------------------------------------------


def keras_file(path, layer: dict) -> None:
    """A `.keras` file of a network whose second layer is described as one likes."""
    keras.Sequential([keras.Input([2]), keras.layers.Dense(1)]).save(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(content["config.json"])
    described["config"]["layers"][1] = layer
    content["config.json"] = json.dumps(described).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def function(module: str, name: str) -> dict:
    """A function as Keras' files name it."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def dense(**changes) -> dict:
    return {
        "module": "keras.layers", "class_name": "Dense", "registered_name": None,
        "config": {"name": "d", "units": 1} | changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "layer",
    [
        dense(activation=function("os", "system")),
        dense(activation=function("builtins", "eval")),
        dense(activation={"class_name": "__lambda__", "config": {"value": ["4wAA", None, None]}}),
        {"module": "os", "class_name": "system", "config": {}, "registered_name": None},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "was_run"]},
         "registered_name": None},
        {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {},
         "registered_name": None},
        {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "file:///x"},
         "registered_name": None},
        {"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
         "config": {"name": "x", "function": {"class_name": "__lambda__",
                                              "config": {"code": "4wAA", "defaults": None}}}},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "registered_name": None,
         "config": {"name": "x", "module": "gASV"}},
    ],
    ids=lambda layer: f"{layer['module']}.{layer['class_name']}",
)  # fmt: skip
def test_keras_files_name_no_functions_of_others(layer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras_file("x.keras", layer)
    with pytest.raises(UserError, match=r"cannot load x\.keras") as caught:
        load_keras("x.keras")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.keras"]


# --- Networks that are programs ----------------------------------------------------------------


def test_own_exports_need_no_trust_and_what_was_changed_does(server, made, tmp_path):
    module = next((made / "run" / "hub").glob("*/generator"))
    copy = shutil.copytree(module, tmp_path / "module")
    sample = ["sample", "--module=module", "--num=2", "--output=x.npz"]
    assert server.run(*sample, cwd=tmp_path).code == 0
    with open(copy / "assets.extra" / "metadata.json", "a") as file:
        file.write(" ")
    ended = server.run(*sample, "--overwrite", cwd=tmp_path)
    assert (
        ended.code == 1
        and "module is a SavedModel, a program that may do all that you" in ended.err
    )
    assert server.run(*sample, "--overwrite", "--trust", cwd=tmp_path).code == 0


def test_an_onnx_file_of_others_needs_trust(server, made, tmp_path):
    shutil.copy(made / "network.onnx", tmp_path)
    sides = ["--real=digits/test", "--fake=network.onnx", "--extractor=raw_features"]
    ended = server.run("evaluate", *sides, cwd=tmp_path)
    assert ended.code == 1 and "network.onnx is an ONNX file, a program" in ended.err
    assert "--trust" in ended.err and "--allow_imports=network.onnx" in ended.err
    ended = server.run("evaluate", *sides, "--trust", cwd=tmp_path)
    assert "it must have one of floats [n, d]" in ended.err  # it was opened


def test_a_handle_without_encryption_is_refused(server, tmp_path):
    flags = ["--module=http://tfhub.dev/x/1", "--output=x.png", "--trust"]
    ended = server.run("sample", *flags, cwd=tmp_path)
    assert ended.code == 1 and "http://tfhub.dev/x/1 would come without encryption" in ended.err


# --- The network ------------------------------------------------------------------------------

WATCHED = """
import os, sys, threading, time
from compare_gan_tf.bin import main

found = set()

def listening():
    own = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
           if os.path.lexists(f"/proc/self/fd/{fd}")}
    for name in ("tcp", "tcp6"):
        for line in open(f"/proc/self/net/{name}").read().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                found.add(fields[1])

def watch():
    while True:
        try:
            listening()
        except OSError:
            pass
        time.sleep(0.02)

threading.Thread(target=watch, daemon=True).start()
if sys.argv[1] == "--listen":
    import socket
    server = socket.create_server(("127.0.0.1", 0))
    time.sleep(1)
else:
    try:
        main.main()
    except SystemExit as end:
        assert end.code == 0, end.code
print("listens at", sorted(found))
"""


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", "evaluate", "sample", "report", "--listen"])
def test_no_verb_listens(verb, made, tmp_path):
    shutil.copytree(made / "run", tmp_path / "run")
    shutil.copy(made / "small.gin", tmp_path)
    flags = (
        ["--model_dir=new", "--gin_config=small.gin"] if verb == "train" else ["--model_dir=run"]
    )
    flags += ["--output=x.png"] if verb == "sample" else []
    command = [sys.executable, "-c", WATCHED, verb, *flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert (
        last == "listens at []" if verb != "--listen" else last.startswith("listens at ['0100007F:")
    )

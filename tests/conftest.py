import gc
import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Tests leave what is the user's as it is.
os.environ |= {name: tempfile.mkdtemp() for name in ("COMPARE_GAN_CACHE", "XDG_CONFIG_HOME")}
sys.path.insert(0, str(pathlib.Path(__file__).parent / "helpers"))  # what several tests share

import pytest

MOST_SECONDS = 60  # of the processor, for a test that is not marked `slow`


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fails a fast test that computes for too long, with its processes, on however busy a CPU."""
    before = sum(os.times()[:4])
    result = yield
    spent = sum(os.times()[:4]) - before
    if spent > MOST_SECONDS and item.get_closest_marker("slow") is None:
        pytest.fail(f"took {spent:.0f} s of the processor: make it smaller, or mark it slow")
    return result


@pytest.fixture(scope="module", autouse=True)
def what_lives_on_is_not_collected_again():
    """Keras' clear_session collects all garbage, a long search among all that TensorFlow keeps."""
    gc.freeze()
    yield
    gc.collect()


@pytest.fixture(scope="module", autouse=True)
def graphs_as_traced(request):
    """Without TensorFlow's optimiser of graphs, which takes an eighth of the suite's time and
    changes results in their last bits alone. Modules about such bits are marked `optimised_graphs`.
    """
    config = sys.modules.get("tensorflow") and sys.modules["tensorflow"].config.optimizer
    if config:
        optimised = request.node.get_closest_marker("optimised_graphs") is not None
        config.set_experimental_options({"disable_meta_optimizer": not optimised})


@pytest.fixture(scope="session")
def golden():
    """Numbers from outside the code, by the name of their file; each file states its source."""
    folder = pathlib.Path(__file__).parent / "goldens"
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture
def in_this_process(monkeypatch):
    """Exports check `.keras` files here, for a process that imports TensorFlow takes seconds."""
    import keras_checks

    monkeypatch.setattr("compare_gan_tf.export.fresh_process._run", keras_checks.run_here)


@pytest.fixture
def run_verb(capfd):
    """Returns a function (verb module, arguments) -> (exit code, stdout, stderr)."""
    import gin
    import verbs
    from absl import flags

    verbosity = flags.FLAGS["verbosity"]
    before = (verbosity.value, verbosity.using_default_value)

    def run(module, *arguments):
        capfd.readouterr()
        code = verbs.exit_code(module, *arguments)
        out, err = capfd.readouterr()
        return code, out, err

    yield run
    verbosity.value, verbosity.using_default_value = before
    gin.clear_config()


@pytest.fixture
def no_bindings():
    """Gin as new, whatever a test before has bound or locked, and nothing left in it."""
    import gin

    gin.clear_config()
    yield
    gin.clear_config()


@pytest.fixture(autouse=True)
def nothing_is_trusted(monkeypatch):
    """Networks of other origin need to be trusted in every test anew."""
    from compare_gan_tf.storage import programs

    monkeypatch.setattr(programs, "_trusted", set())


@pytest.fixture
def trusting(nothing_is_trusted):
    """All networks in files are trusted, as by --trust."""
    from compare_gan_tf.storage import programs

    programs.trust([programs.EVERYTHING])


@pytest.fixture(autouse=True)
def no_determinism_left_behind():
    """A training without XLA turns deterministic ops on for its process: other tests go without.

    With them XLA cannot compile max pooling. TensorFlow has no public way to turn them off.
    """
    yield
    framework = sys.modules.get("tensorflow.python.framework.config")
    if framework is not None:
        framework.disable_op_determinism()

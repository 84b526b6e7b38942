import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["COMPARE_GAN_CACHE"] = tempfile.mkdtemp()  # tests leave that of the user as it is
sys.path.insert(0, str(pathlib.Path(__file__).parent))  # for `small_gan`, which several share

import pytest


@pytest.fixture(scope="session")
def golden():
    """Numbers from outside the code, by the name of their file; each file states its source."""
    folder = pathlib.Path(__file__).parent / "goldens"
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture
def no_bindings():
    """Gin as new, whatever a test before has bound or locked, and nothing left in it."""
    import gin

    gin.clear_config()
    yield
    gin.clear_config()


@pytest.fixture(autouse=True)
def no_determinism_left_behind():
    """A training without XLA turns deterministic ops on for its process: other tests go without.

    With them XLA cannot compile max pooling. TensorFlow has no public way to turn them off.
    """
    yield
    framework = sys.modules.get("tensorflow.python.framework.config")
    if framework is not None:
        framework.disable_op_determinism()

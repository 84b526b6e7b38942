import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest


@pytest.fixture(scope="session")
def golden():
    """Numbers from outside the code, by the name of their file; each file states its source."""
    folder = pathlib.Path(__file__).parent / "goldens"
    return lambda name: json.loads((folder / f"{name}.json").read_text())

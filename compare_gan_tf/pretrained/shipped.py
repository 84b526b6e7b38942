"""The models that ship with the package: `zoo/<name>/`, each as `compare-gan export` writes it."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parent / "zoo"


def names() -> list[str]:
    """The names of all models that ship with the package."""
    return sorted(path.parent.name for path in FOLDER.glob("*/model.json"))


def facts(name: str) -> dict:
    """What `model.json` says about a model: its shape, data, training and scores.

    Raises:
      FileNotFoundError: no such model ships with the package.
    """
    return json.loads((FOLDER / name / "model.json").read_text(encoding="utf-8"))

"""The models that ship with the package: `zoo/<name>/`, each as `compare-gan export` writes it."""

import json
import pathlib

from compare_gan_tf.config.gin_errors import did_you_mean
from compare_gan_tf.errors import UserError

FOLDER = pathlib.Path(__file__).parent / "zoo"


def names() -> list[str]:
    """The names of all models that ship with the package."""
    return sorted(path.parent.name for path in FOLDER.glob("*/model.json"))


def facts(name: str) -> dict:
    """What `model.json` says about a model: its shape, data, training and scores.

    Raises:
      UserError: no such model ships with the package.
    """
    if name not in names():
        hint = did_you_mean(name, names())
        raise UserError(f"there is no model {name!r}{hint}: name one of {', '.join(names())}")
    return json.loads((FOLDER / name / "model.json").read_text(encoding="utf-8"))

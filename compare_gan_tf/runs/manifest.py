"""`manifest.json`: the command, versions, devices and seed of every start of a run.

Each start of training adds one entry, so that a change of machine or version is documented.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys
import zlib
from typing import Any

import tensorflow as tf
from absl import logging

import compare_gan_tf
from compare_gan_tf.errors import UserError, without_secrets
from compare_gan_tf.storage import files

FILE = "manifest.json"
_CHECKSUM = "crc32"  # of the starts

_PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "gin-config",
    "tensorflow-datasets",
    "absl-py",
    "scikit-learn",
    "protobuf",
)


def write(
    model_dir: str, *, seed: int, strategy: str, config: str | None = None, **settings: Any
) -> dict[str, Any]:
    """Adds an entry for this start to `<model_dir>/manifest.json`, and returns the entry.

    A damaged file is kept as `manifest.json.damaged`.

    Args:
      model_dir: the run's folder; it is made if it does not exist.
      seed: seed of the run.
      strategy: name of the distribution strategy.
      config: text of the run's config; it is stored if it is not that of the start before.
      **settings: further JSON values to store, such as `jit_compile` or `replicas`.

    Raises:
      UserError: the file was written by another program.
      OSError, tf.errors.OpError: the folder cannot be written.
    """
    entry = {**_describe_start(), "seed": seed, "strategy": strategy, **settings}
    tf.io.gfile.makedirs(model_dir)
    path = os.path.join(model_dir, FILE)
    starts = read(model_dir)
    if not starts and files.exists(path) and tf.io.gfile.stat(path).length:
        tf.io.gfile.copy(path, f"{path}.damaged", overwrite=True)
    if config not in (None, *_configs(starts)[-1:]):
        entry["config"] = config
    starts = [*starts, entry]
    text = json.dumps({"starts": starts, _CHECKSUM: _checksum(starts)}, indent=2)
    files.write_text(path, text + "\n")
    return entry


def _checksum(starts: Any) -> str:
    return f"{zlib.crc32(json.dumps(starts).encode()):08x}"


def _configs(starts: list[dict[str, Any]]) -> list[str]:
    return [start["config"] for start in starts if isinstance(start.get("config"), str)]


def config(model_dir: str) -> str | None:
    """The text of a run's `config.gin`; None if there is none.

    If the file is not as a training wrote it, the text that the manifest has.
    """
    path = os.path.join(model_dir, files.CONFIG)
    text, known = files.read_text(path), _configs(read(model_dir))
    if text is None or not known or text in known:
        return text
    return known[-1]


def read(model_dir: str) -> list[dict[str, Any]]:
    """The entries, the oldest first; [] with a logged warning if the file is damaged.

    Raises:
      UserError: the file was written by another program, or is no file.
    """
    path = os.path.join(model_dir, FILE)
    if files.exists(path) and not files.is_file(path):
        raise UserError(f"{path} is no file: remove it")
    try:
        text = files.read_text(path)
        content = {"starts": []} if text is None else json.loads(text)
        if isinstance(content, dict) and _CHECKSUM in content:  # earlier versions wrote none
            if content[_CHECKSUM] != _checksum(content.get("starts")):
                raise ValueError("it was changed after it was written")
    except (ValueError, RecursionError) as error:
        logging.warning(
            "%s is damaged (%s), and is not read: the next training keeps it as %s.damaged, and"
            " begins a new one", path, error, FILE,
        )  # fmt: skip
        return []
    starts = content.get("starts") if isinstance(content, dict) else None
    if not isinstance(starts, list) or not all(isinstance(start, dict) for start in starts):
        raise UserError(f"{path} was not written by compare-gan: use another folder")
    return starts


def _describe_start() -> dict[str, Any]:
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": [without_secrets(one) for one in sys.argv],
        "compare_gan_tf": compare_gan_tf.__version__,
        "git": source_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version_of(name) for name in _PACKAGES},
        "cpu_count": os.cpu_count(),
        "devices": [_describe_device(device) for device in tf.config.list_logical_devices()],
    }


def version_of(package: str) -> str | None:
    """The version of an installed package; None if it is not there."""
    if package == "tensorflow":  # the package may be one of its other builds, as tensorflow-tpu
        return tf.__version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _describe_device(device: tf.config.LogicalDevice) -> str:
    """Name of a device, such as "GPU:0 (NVIDIA A100)"."""
    name = device.name.removeprefix("/device:")
    if device.device_type != "GPU":
        return name
    index = int(name.rpartition(":")[2])
    physical = tf.config.list_physical_devices("GPU")
    if index >= len(physical):
        return name
    details = tf.config.experimental.get_device_details(physical[index])
    return f"{name} ({details.get('device_name', 'unknown')})"


def source_commit(folder: str | os.PathLike | None = None) -> dict[str, Any] | None:
    """The git commit of the package's source, and whether tracked files differ from it.

    Args:
      folder: folder of the package; None for the imported package.

    Returns:
      {"commit": hash, "dirty": bool or None}; None if the package is not in a git checkout.
    """
    package = pathlib.Path(folder or compare_gan_tf.__file__).resolve()
    root = (package.parent if package.is_file() else package).parent
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(root: pathlib.Path, *arguments: str) -> str | None:
    """Output of a git command; None if git is not installed or fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

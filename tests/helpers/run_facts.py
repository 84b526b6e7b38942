"""What a run's folder holds, in a form that is equal for two runs with the same results."""

import hashlib
import json
import os
import pathlib

import numpy as np
import tensorflow as tf

from compare_gan_tf.export import cards
from compare_gan_tf.runs import logs, results

_CLOCKS = ("seconds", "steps_per_second", "time", "crc32")
_OF_CLOCKS = ("steps_per_second", "_hparams_/session_start_info")
_UNFINISHED = ("partial", "temp", ".lock", ".compare_gan-", ".older", ".damaged")


def weights(prefix) -> str:
    """SHA-256 over every tensor of a checkpoint, by name."""
    reader, digest = tf.train.load_checkpoint(str(prefix)), hashlib.sha256()
    for name in sorted(reader.get_variable_to_shape_map()):
        # TensorFlow counts how often it has saved, and a run that was killed has saved more often.
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH" and not name.startswith("save_counter"):
            digest.update(name.encode() + reader.get_tensor(name).tobytes())
    return digest.hexdigest()


def rows(path) -> list[dict]:
    """The lines of a file, each of which is whole, without what depends on the clock."""
    lines = pathlib.Path(path).read_text().splitlines() if os.path.exists(path) else []
    found = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if k not in _CLOCKS} for row in found]


def events(folder) -> list[tuple]:
    """(step, tag, value) in all TensorBoard events below a folder, sorted."""
    found = []
    for path in pathlib.Path(folder).rglob("*tfevents*"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            found += [
                (event.step, value.tag, hashlib.sha256(value.SerializeToString()).hexdigest()[:8])
                for value in event.summary.value
                if value.tag not in _OF_CLOCKS
            ]
    return sorted(found)


def leftovers(folder) -> list[str]:
    """Paths in a run's folder that only an unfinished command has."""
    every = (path.relative_to(folder) for path in pathlib.Path(folder).rglob("*"))
    return [str(path) for path in every if any(part in path.name for part in _UNFINISHED)]


def module(folder) -> dict:
    """What an export draws and says; checks the hashes of its files."""
    assert cards.changed(str(folder)) is None
    loaded = tf.saved_model.load(str(folder / "generator"))
    samples = loaded.sample(4, [0, 1], 0.0).numpy()
    return {
        "samples": hashlib.sha256(samples.tobytes()).hexdigest(),
        "files": sorted(str(one.relative_to(folder)) for one in folder.rglob("*")),
        "weights": weights(folder / "generator" / "variables" / "variables"),
    }


def facts(folder: pathlib.Path) -> dict:
    """All that a whole run and a killed one must have in common."""
    found: dict = {"leftovers": leftovers(folder)}
    for index in sorted(folder.rglob("ckpt-*.index")):
        name = str(index.relative_to(folder)).removesuffix(".index")
        found[name] = [path.read_bytes() for path in sorted(index.parent.glob(f"{index.stem}.*"))]
    for path in sorted(folder.rglob("*.jsonl")):
        found[str(path.relative_to(folder))] = rows(path)
    scores = results.read(results.path(folder))
    assert len({results.key(row) for row in scores}) == len(scores)
    found["events"] = events(folder)
    for path in sorted(folder.glob("ema/*.npz")):
        with np.load(path) as arrays:
            found[path.name] = {k: arrays[k].tobytes() for k in arrays.files}
    for path in [folder / "checkpoints/best/best.json", folder / "TRAIN_DONE"]:
        found[path.name] = path.read_text() if path.exists() else None
    for path in sorted(folder.glob("hub/*")):
        found[f"hub/{path.name}"] = module(path)
    assert json.loads((folder / "manifest.json").read_text())["starts"]
    found["config"] = (folder / "config.gin").read_text()
    page = folder / "report" / "index.html"
    found["report"] = page.read_text().rstrip().endswith("</html>") if page.exists() else None
    found["grid"] = hashlib.sha256((folder / "report/samples.png").read_bytes()).hexdigest()
    assert [row["step"] for row in logs.read(str(folder))] == [
        row["step"] for row in rows(logs.log_path(str(folder)))
    ]
    return found


def differences(one: dict, other: dict) -> dict:
    """{name: (a fact of one, that of the other)} of those that differ, shortened."""
    names = [name for name in one | other if one.get(name) != other.get(name)]
    return {name: (str(one.get(name))[:500], str(other.get(name))[:500]) for name in names}

"""The card of an exported model: what it is, how it was trained and how it scores.

An export has at its top `model.json`, which programs read, `README.md` with the same facts as a
model card of Hugging Face, `samples.png`, and `manifest.json` with the SHA-256 of every file.
"""

import hashlib
import json
import os
import pathlib
from collections.abc import Collection, Sequence

import jinja2
import numpy as np
import tensorflow as tf

import compare_gan_tf
from compare_gan_tf.data import licences
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import drawings, html, samples
from compare_gan_tf.runs import logs, manifest, results
from compare_gan_tf.storage import files

FACTS, CARD, PICTURE, MANIFEST = "model.json", "README.md", "samples.png", "manifest.json"
FORMAT = 1  # of FACTS; raised when older programs would misread it
_SEED = (0, 42)
_CHUNK = 1 << 24  # bytes
_POINTS, _LINES = 2_000, 12


def of_average(gan, ema_length: float | None) -> dict:
    """The facts about the average of G's weights that the sampling generator holds.

    Args:
      gan: a built GAN.
      ema_length: sigma_rel of an average of post-hoc EMA, or None.
    """
    if ema_length is None:
        return {"ema": gan.uses_ema}
    return {"ema": True, "ema_length": ema_length}


def facts(
    gan,
    model_dir: str,
    *,
    name: str,
    data: str | None,
    class_names,
    ema_length: float | None = None,
) -> dict:
    """What `FACTS` holds about a GAN that a run has trained.

    Args:
      gan: a built GAN with the weights of a step.
      model_dir: folder of the run.
      name: of the model.
      data: name of the data set, if it is known.
      class_names: names of the classes, by label, or None.
      ema_length: see `of_average`.
    """
    step, shape = gan.current_step, [int(side) for side in gan.sample_shape]
    counts = {
        "generator": gan.sampling_generator.count_params(),
        "discriminator": gan.discriminator.count_params(),
    }
    terms = licences.of(data) if data else None
    found = {
        "format": FORMAT,
        "name": name,
        "compare_gan_tf": compare_gan_tf.__version__,
        "kind": "images" if len(shape) == 3 else "text" if gan.alphabet else "points",
        "step": step,
        **of_average(gan, ema_length),
        "sample_shape": shape,
        "num_classes": gan.num_classes,
        "class_names": list(class_names) if class_names and gan.num_classes else None,
        "latents": gan.latents.get_config(),
        "alphabet": gan.alphabet and gan.alphabet.get_config(),
        "parameters": counts,
        "data": {"name": data, "licence": terms and terms[0], "address": terms and terms[1]},
        "training": _training(model_dir),
        "scores": _scores(model_dir, step, ema_length),
    }
    return _without_place(found, data or "")


def _without_place(found: dict, data: str) -> dict:
    """The facts with the last part alone of the data's path: a card is for others to read."""
    path = data.partition(":")[2]
    if not os.path.isabs(path):
        return found
    private, shown = json.dumps(path)[1:-1], json.dumps(os.path.basename(path))[1:-1]
    return json.loads(json.dumps(found).replace(private, shown))


def _training(model_dir: str) -> dict:
    """Config, seconds and machine of the run; empty where the folder is not that of a run."""
    starts = manifest.read(model_dir)
    found: dict = {"config": files.read_text(os.path.join(model_dir, "config.gin"))}
    if starts:
        kept = ("seed", "precision", "strategy", "replicas", "devices", "cpu_count", "packages")
        found |= {key: starts[-1].get(key) for key in kept}
        found["splits"] = (starts[-1].get("data") or {}).get("splits")
    found["seconds"] = logs.training_seconds(logs.read(model_dir))
    return found


def _scores(model_dir: str, step: int, ema_length: float | None) -> list[dict]:
    """The last score of each protocol and split at a step, of averages of this length."""
    kept = ("metric", "split", "value", "interval", "protocol_id", "protocol")
    found = {}
    for row in results.read(results.path(model_dir)):
        same = row["step"] == step and row["protocol"].get("ema_length") == ema_length
        if same and row["value"] is not None:
            found[row["protocol_id"], row["metric"]] = {key: row[key] for key in kept}
    order = ("fid", "kid")  # the others by name
    return sorted(
        found.values(),
        key=lambda row: (row["split"] != "test", row["metric"] not in order, row["metric"]),
    )


def write(folder: str, gan, known: dict, formats: Collection[str] = ()) -> None:
    """Writes `FACTS`, `CARD` and `PICTURE` into the folder of an export; see `text`."""
    _write(folder, FACTS, json.dumps(known, indent=2) + "\n")
    picture = _picture(gan, known)
    if picture is not None:
        with tf.io.gfile.GFile(os.path.join(folder, PICTURE), "wb") as file:
            file.write(picture)
    _write(folder, CARD, text(known, picture=picture is not None, formats=formats))


def text(known: dict, *, picture: bool, formats: Collection[str] = ()) -> str:
    """The model card, Markdown with the front matter that Hugging Face reads.

    Args:
      known: see `facts`.
      picture: whether `PICTURE` lies beside it.
      formats: further formats of which files lie beside it, see `further_formats`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A string of JSON is one of YAML; a number with an exponent must have a point there.
    environment.filters |= {"quoted": json.dumps, "number": _number, "duration": html.duration}
    return environment.get_template("card.md.jinja").render(known, picture=picture, formats=formats)


def _number(value: float) -> str:
    return repr(value) if "e" not in repr(value) else f"{value:.9e}"


def _picture(gan, known: dict) -> bytes | None:
    """A PNG of the first samples: a grid, a diagram or lines; None for other images."""
    if known["kind"] == "images":
        cells = samples.layout(gan.num_classes)
        made = samples.fakes(gan, cells)
        return samples.grid_png(made, cells) if made.shape[-1] in (1, 3) else None
    number = _LINES if known["kind"] == "text" else _POINTS
    labels = np.arange(number, dtype=np.int32) % gan.num_classes if gan.num_classes else None
    made = np.asarray(gan.sample(number, _SEED, labels=labels))
    if known["kind"] == "text":
        vocabulary = known["alphabet"]["vocabulary"]
        return drawings.text(["".join(vocabulary[code] for code in line) for line in made])
    return drawings.scatter(made, np.stack([made.min(axis=0), made.max(axis=0)])[:, [0, -1]])


def _write(folder: str, name: str, content: str) -> None:
    with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
        file.write(content)


# --- Hashes -----------------------------------------------------------------------------------


def write_manifest(folder: str, paths: Sequence[str]) -> None:
    """Writes `MANIFEST`: {path: {"sha256", "bytes"}} of files in a folder."""
    found = {path: _described(os.path.join(folder, path)) for path in sorted(paths)}
    _write(folder, MANIFEST, json.dumps({"files": found}, indent=2) + "\n")


def _described(path: str) -> dict:
    return {"sha256": digest(path), "bytes": tf.io.gfile.stat(path).length}


def digest(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def changed(folder: str) -> str | None:
    """The first file of the card that is not as `MANIFEST` says; None if there is none.

    A card that somebody has edited is no longer ours to replace.
    """
    there = [n for n in (FACTS, CARD, PICTURE, MANIFEST) if files.exists(os.path.join(folder, n))]
    if there == [MANIFEST]:
        return MANIFEST
    for name in there:
        try:
            require_unchanged(folder, *{name} - {MANIFEST})
        except UserError:
            return name
    return None


def read(folder: str) -> dict:
    """The facts about an exported model.

    Raises:
      UserError: the folder has none, or a newer version of this package wrote them.
    """
    path = os.path.join(folder, FACTS)
    try:
        content = files.read_text(path)
        found = None if content is None else json.loads(content)
    except (ValueError, RecursionError):
        found = {}
    if found is None:
        raise UserError(f"{folder} has no {FACTS}: name a folder that compare-gan export wrote")
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise UserError(f"{path} is damaged: export the model anew")
    if found["format"] > FORMAT:
        raise UserError(f"{path} is of a newer version of compare_gan_tf: install that one")
    return found


def listed(folder: str) -> list[str]:
    """The paths of the files of an export, relative to its folder, as `MANIFEST` lists them.

    Raises:
      UserError: there is no such list, or it leads out of the folder.
    """
    names = sorted(_hashes(folder))
    if any(".." in name.split("/") or os.path.isabs(name) for name in names):
        raise UserError(f"{os.path.join(folder, MANIFEST)} is damaged: export the model anew")
    return names


def require_unchanged(folder: str, *names: str) -> None:
    """Checks files against `MANIFEST`.

    Raises:
      UserError: a file is missing or differs.
    """
    expected = _hashes(folder, *names)
    for name in names:
        path = os.path.join(folder, name)
        if not _is_file_of(path, *expected[name]):
            raise UserError(f"{path} is not the file that was exported: get or export it anew")


def _is_file_of(path: str, sha256: str, size: int | None) -> bool:
    """Whether a file has this content; one of another size is not read."""
    if not files.is_file(path) or size not in (None, tf.io.gfile.stat(path).length):
        return False
    return digest(path) == sha256


def _hashes(folder: str, *names: str) -> dict[str, tuple]:
    """{path: (SHA-256, bytes)} of all files in `MANIFEST`, which must have these names."""
    path = os.path.join(folder, MANIFEST)
    try:
        known = json.loads(files.read_text(path) or "")["files"]
        found = {n: (str(facts["sha256"]), facts.get("bytes")) for n, facts in known.items()}
        missing = set(names) - found.keys()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged or missing: export the model anew") from error
    if missing:
        raise UserError(f"{path} is damaged or missing: export the model anew")
    return found

"""A run in which something else is in the place of one of its files: each verb ends well."""

import shutil

import pytest
from input_damage import NO_FILES
from input_models import files

VERBS = ("evaluate", "sample", "report", "train", "compare")
FAST = [
    ("checkpoints/checkpoint", "train"),
    ("checkpoints/ckpt-4.index", "evaluate"),
    ("logs/train.jsonl", "report"),
    ("scores.jsonl", "compare"),
]
READ_WHOLE = (".index", "checkpoint", ".json", ".jsonl", ".gin")


def complaint(kind, name, verb, server, made, folder) -> str | None:
    """What is wrong with how a verb ended; None for nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made / "run", folder / "run", ignore=shutil.ignore_patterns("hub"))
    path = folder / "run" / name
    path.unlink()
    NO_FILES[kind](path)
    arguments = ["run"] if verb == "compare" else ["--model_dir=run"]
    ended = server.run(verb, *arguments, *["--output=x.png"] * (verb == "sample"), cwd=folder)
    is_line = len(ended.err.splitlines()) == 1 and "Traceback" not in ended.err
    right = ended.code == 0 or ended.code == 1 and is_line
    return None if right else f"{kind} {name}, {verb}: {ended.code}, {ended.err[-500:]}"


@pytest.mark.parametrize(("name", "verb"), FAST)
def test_a_file_without_end(name, verb, server, made, tmp_path):
    assert complaint("endless", name, verb, server, made, tmp_path / "work") is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", NO_FILES)
def test_each_file_and_verb(kind, server, made, tmp_path):
    names = [str(path.relative_to(made / "run")) for path in files(made / "run")]
    names = [name for name in names if name.endswith(READ_WHOLE) and not name.startswith("hub/")]
    assert len(names) > 8
    where = (server, made, tmp_path / "work")
    found = [complaint(kind, name, verb, *where) for name in names for verb in VERBS]
    assert not [one for one in found if one], found

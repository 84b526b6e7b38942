"""Files of others stay as they are, and files that lie get one line; nothing is waited for."""

import json
import os
import zipfile

import numpy as np
import pytest

from compare_gan_tf import evaluation
from compare_gan_tf.data import npz
from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation import openings, pairs, references, scores
from compare_gan_tf.runs import best, results
from compare_gan_tf.settings import memory

FEATURES = np.random.default_rng(0).normal(size=(60, 4))


def one_line(caught):
    return "\n" not in str(caught.value).split("\n  In call to configurable")[0]


# --- What is not ours stays -------------------------------------------------------------------


@pytest.fixture
def keepsakes(run, gan, digits):
    """A best checkpoint whose folder also holds files that this program never wrote."""
    evaluation.evaluate(run, gan, digits, steps=[1], floor=False)
    names = ["notes.txt", "ckpt-9.txt", "best.json.bak", "model.partial", "ckpt-best.index"]
    for name in names:
        with open(os.path.join(best.folder(run), name), "w") as file:
            file.write("mine")
    return names


def test_files_of_others_beside_the_best_checkpoint_stay(run, gan, digits, keepsakes, scores):
    left = os.path.join(best.folder(run), "ckpt-1.index.partial")  # of a process that was killed
    open(left, "w").close()
    scores.update({(1, "validation"): 3, (2, "validation"): 2, (3, "validation"): 1})
    evaluation.evaluate(run, gan, digits, floor=False, num_samples=250)
    evaluation.evaluate(run, gan, digits, floor=False, num_samples=250)
    assert best.read(run)["step"] == 3
    found = set(os.listdir(best.folder(run)))
    assert set(keepsakes) <= found and "ckpt-1.index" not in found
    assert os.path.basename(left) not in found
    for name in keepsakes:
        with open(os.path.join(best.folder(run), name)) as file:
            assert file.read() == "mine"


@pytest.mark.parametrize("name", ["scores.jsonl", "scores.partial.jsonl", "scores.floor.jsonl"])
@pytest.mark.parametrize("content", [b"my notes\n", b"\x00\xff" * 9, b'{"run"'])
def test_a_file_of_scores_that_is_not_ours_is_left_alone(run, gan, digits, name, content):
    path = os.path.join(run, name)
    with open(path, "wb") as file:
        file.write(content)
    if content == b'{"run"':  # a line that was being written when the process died
        assert len(evaluation.evaluate(run, gan, digits, steps=[1])) == 2
        return
    with pytest.raises(UserError, match=f"{name} is there and holds no scores of ours") as caught:
        evaluation.evaluate(run, gan, digits, steps=[1])
    assert one_line(caught)
    with open(path, "rb") as file:
        assert file.read() == content


@pytest.mark.parametrize("part", ["scores.jsonl", "checkpoints/best", "logs/scores"])
def test_nothing_is_written_through_a_link(run, gan, digits, tmp_path, part):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "ckpt-7.index").write_text("mine")
    os.makedirs(os.path.dirname(os.path.join(run, part)), exist_ok=True)
    os.symlink(target, os.path.join(run, part))
    with pytest.raises(UserError, match="is a link to .*elsewhere") as caught:
        evaluation.evaluate(run, gan, digits, steps=[1])
    assert one_line(caught)
    assert os.listdir(target) == ["ckpt-7.index"]


@pytest.mark.parametrize("content", [b"notes", b"", "moments", "folder", "link", "pipe"])
def test_statistics_are_not_written_over_other_files(tmp_path, content):
    path = tmp_path / "stats.npz"
    if content == "folder":
        path.mkdir()
    elif content == "link":
        path.symlink_to(tmp_path / "target.npz")
    elif content == "pipe":
        os.mkfifo(path)
    elif content == "moments":  # of pytorch-fid: not ours to replace
        np.savez(path, mu=np.zeros(4), sigma=np.eye(4))
    else:
        path.write_bytes(content)
    before = path.read_bytes() if path.is_file() else None
    options = {"metrics": "fid", "save_real_statistics": str(path)}
    with pytest.raises(UserError, match=r"stats\.npz is ") as caught:
        pairs.evaluate(FEATURES, FEATURES, **options)
    assert one_line(caught) and not (tmp_path / "target.npz").exists()
    assert (path.read_bytes() if path.is_file() else None) == before


def test_statistics_of_ours_are_replaced(tmp_path):
    path = str(tmp_path / "stats.npz")
    for scale in (1, 2):
        pairs.evaluate(scale * FEATURES, FEATURES, metrics="fid", save_real_statistics=path)
    assert references.read(path).mean == pytest.approx(2 * FEATURES.mean(0), abs=1e-6)
    assert os.listdir(tmp_path) == ["stats.npz"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe", b"[" * 9999, b"[]", b'{"scores": 5}', b'{"scores": [{"metric": 1}]}',
        b"folder", b"link", b"pipe",
    ],
)  # fmt: skip
def test_scores_are_not_written_over_other_files(tmp_path, content):
    path = tmp_path / "scores.json"
    if content == b"folder":
        path.mkdir()
    elif content == b"link":
        path.symlink_to(tmp_path / "target.json")
    elif content == b"pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        pairs.evaluate(FEATURES, FEATURES, metrics="fid", output=str(path))
    assert one_line(caught) and not (tmp_path / "target.json").exists()
    assert not path.is_file() or path.read_bytes() == content


def test_scores_whose_values_lie_are_none_of_ours(tmp_path):
    path = tmp_path / "scores.json"
    pairs.evaluate(FEATURES, FEATURES, metrics="fid", output=path)
    content = json.loads(path.read_text())
    for field, value in (("value", "high"), ("interval", 3), ("warnings", [3]), ("protocol", [])):
        lie = content | {"scores": [content["scores"][0] | {field: value}]}
        path.write_text(json.dumps(lie))
        with pytest.raises(UserError, match="holds no scores"):
            scores.read(str(path))


# --- Sides that lie ---------------------------------------------------------------------------


def npy(shape, dtype="'|u1'", data=b"", version=b"\x01\x00"):
    """An array file that says what one likes."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}".encode() + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


HEADERS = [
    npy("(1000000000000, 8, 8, 1)"),
    npy(f"({10**30}, 8, 8, 1)"),
    npy(f"({2**40}, {2**40}, 8, 1)"),
    npy("(-1, 8, 8, 1)", data=b"x" * 64),
    npy("(2, 8, 8, 1)", data=b"x" * 100),
    npy("(" * 200 + ")" * 200),
    npy("(1,)", dtype="'nonsense'"),
    npy("(1,)", dtype="'|O'", data=b"x" * 8),
    npy("'text'"),
    npy("(1.5,)"),
    npy("(1,)", version=b"\x09\x00"),
    b"\x93NUMPY",
    b"",
]


@pytest.mark.parametrize("content", HEADERS)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_arrays_that_lie_about_their_size_are_one_line(tmp_path, content, compression):
    path = tmp_path / "fake.npz"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(UserError) as caught:
        openings.side(str(path))
    assert one_line(caught) and "fake.npz" in str(caught.value)


def test_compressed_arrays_beyond_the_memory_are_not_begun(tmp_path, monkeypatch):
    path = str(tmp_path / "bomb.npz")
    np.savez_compressed(path, images=np.zeros((1000, 8, 8, 1), np.uint8))
    monkeypatch.setattr(memory, "total", lambda: 63_999)
    with pytest.raises(UserError) as caught:
        openings.side(path)
    assert "take 64,000 bytes" in str(caught.value) and "63,999:" in str(caught.value)
    assert one_line(caught)
    assert "save them uncompressed, by numpy.savez" in str(caught.value)
    np.savez(path, images=np.zeros((1000, 8, 8, 1), np.uint8))
    assert openings.side(path).available == 1000  # mapped: it takes none


def test_a_name_that_is_twice_in_an_archive_is_one_line(tmp_path):
    path, array = tmp_path / "fake.npz", npy("(2, 8, 8, 1)", dtype="'|u1'", data=bytes(128))
    with pytest.warns(UserWarning, match="Duplicate name"):
        with zipfile.ZipFile(path, "w") as archive:
            for _ in range(2):
                archive.writestr("images.npy", array)
    with pytest.raises(UserError, match="holds 'images.npy' twice: save it anew") as caught:
        openings.side(str(path))
    assert one_line(caught)


def test_an_archive_that_is_damaged_inside_is_one_line(tmp_path):
    path = tmp_path / "fake.npz"
    np.savez_compressed(
        path, images=np.random.default_rng(0).integers(0, 9, (40, 8, 8, 1), np.uint8)
    )
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"fake\.npz cannot be read as .npz"):
        openings.side(str(path))


@pytest.mark.parametrize("name", ["fake.npz", "fake.zip", "fake.onnx", "fake"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="neither a folder nor a regular file"):
        openings.side(str(tmp_path / name))
    if name.endswith("npz"):
        with pytest.raises(UserError, match="it is a named pipe, not a file"):
            npz.read(str(tmp_path / name), ("images",), mapped=True)


def test_a_pipe_as_the_scores_of_a_run_is_not_waited_for(run, gan, digits):
    os.mkfifo(results.path(run))
    with pytest.raises(UserError, match="is no regular file"):
        evaluation.evaluate(run, gan, digits, steps=[1])
    with pytest.raises(UserError, match="is no regular file"):
        results.read(results.path(run))


@pytest.mark.parametrize(
    "changes",
    [
        {"mu": np.array(["a"] * 4)},
        {"n": np.array([1, 2])},
        {"n": np.array(np.nan)},
        {"n": np.array(-3)},
        {"sigma": np.eye(3)},
        {"sigma": np.full((4, 4), np.inf)},
        {"mu": np.zeros((4, 1))},
        {"mu": np.zeros(4, complex)},
    ],
)
def test_moments_that_are_none_are_one_line(tmp_path, changes):
    path = str(tmp_path / "stats.npz")
    np.savez(path, **{"mu": np.zeros(4), "sigma": np.eye(4), "n": 50} | changes)
    with pytest.raises(UserError, match=r"stats\.npz") as caught:
        pairs.evaluate(path, FEATURES, metrics="fid")
    assert one_line(caught)

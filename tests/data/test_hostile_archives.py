"""Archives and arrays that lie, inflate or are cut off: one line each, and nothing waits."""

import struct
import zipfile

import numpy as np
import pytest
from refusals import refused

from compare_gan_tf import data
from compare_gan_tf.data import arrays
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import memory


@pytest.fixture
def archive(made, tmp_path):
    """A zip of eight images; (path, its bytes, where the headers of its directory lie)."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(8):
            file.writestr(f"{number}.png", made.encoded(made.picture(number)))
    content = bytearray(path.read_bytes())
    places = [i for i in range(len(content)) if content[i : i + 4] == b"PK\x01\x02"]
    return path, content, places


SIZE, INFLATED, OFFSET = 20, 24, 42  # of these fields in a header of the directory


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        (INFLATED, 10, "1.png: it inflates to more than the 10 bytes that its header says"),
        (INFLATED, 2**32 - 2, "1.png: it has 4,294,967,294 bytes, more than the 1,073,741,824"),
        (INFLATED, 2**20, "and its header says 1,048,576"),
        (SIZE, 2**31, "'1.png' ends at byte"),
        (OFFSET, 2**30, "'1.png' does not lie where it should"),
        (OFFSET, 0, "its member '0.png' ends at byte"),
    ],
)
def test_a_directory_that_lies(archive, field, value, part):
    path, content, places = archive
    place = places[1] + field
    content[place : place + 4] = struct.pack("<I", value)
    path.write_bytes(content)
    assert part in refused(f"zip:{path}")


def test_zips_that_are_cut_off_or_garbled(archive):
    path, content, _ = archive
    for length in (0, 10, 1_000, len(content) // 2, len(content) - 5):
        path.write_bytes(content[:length])
        assert "cannot be read" in refused(f"zip:{path}")
    rng = np.random.default_rng(0)
    for _ in range(60):
        garbled = content.copy()
        garbled[rng.integers(len(content) - 700, len(content))] = rng.integers(256)
        path.write_bytes(garbled)
        try:
            data.load(f"zip:{path}")
        except UserError:
            pass


def test_two_members_of_one_name(archive, made):
    path, _, _ = archive
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning):
        file.writestr("0.png", made.encoded(made.picture(9)))
    assert "holds '0.png' twice" in refused(f"zip:{path}")


def test_zip64_and_many_members(tmp_path, made):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(8):
            with file.open(f"{number}.png", "w", force_zip64=True) as member:
                member.write(made.encoded(made.picture(number)))
        for number in range(66_000):  # more than a zip could have before zip64
            file.writestr(f"{number}.bin", b"")
    dataset = data.load(f"zip:{path}")
    assert len(dataset.splits["train"]) == 6
    assert dataset.notes == ("files passed over, for they are no images: 66,000 .bin",)


IMAGES = np.random.default_rng(0).integers(256, size=(30, 6, 6, 3), dtype=np.uint8)


LABELS = np.arange(30) % 3


def array_header(descr: str, shape: tuple, version: int = 1) -> bytes:
    text = str({"descr": descr, "fortran_order": False, "shape": shape})
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode()


def members(path, **contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(f"{name}.npy", content)
    return f"npz:{path}"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (array_header("|u1", (10**12,)), "is uint8 [1000000000000] by its header"),
        (array_header("|u1", (2**62, 2**62)), "has 0 bytes, and is uint8"),
        (array_header("|u1", (-1, 8, 8)), "has 0 bytes, and is uint8 [-1, 8, 8]"),
        (array_header("|u1", (3, 8, 8)) + bytes(2**20), "has 1,048,576 bytes, and is uint8"),
        (array_header("|u1", (3, 8, 8), version=3), "is in version (3, 0)"),
        (array_header("__import__('os')", (3,)), "cannot be read as .npz"),
        (array_header("|O", (3,)), "holds Python objects in images, which are never loaded"),
        (b"hello", "cannot be read as .npz"),
        (b"", "cannot be read as .npz"),
        (array_header("|u1", (-2, -8, 8)) + bytes(128), "has 128 bytes, and is uint8 [-2, -8, 8]"),
    ],
)
def test_headers_that_claim_what_is_not_there(tmp_path, content, part):
    assert part in refused(members(tmp_path / "x.npz", images=content))


def test_arrays_beyond_the_memory_are_not_read(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, images=np.zeros((30, 64, 64, 3), np.uint8))
    monkeypatch.setattr(memory, "total", lambda: 368_639)
    message = refused(f"npz:{path}")
    assert "take 368,640 bytes, more than the memory of this machine, 368,639" in message
    made = arrays.load("x", str(path), Settings(), max_bytes=368_640)
    assert len(made.splits["train"]) == 24
    monkeypatch.undo()
    assert 2**28 < memory.total() < 2**50


def test_an_array_that_inflates_beyond_its_size(tmp_path):
    name = members(tmp_path / "x.npz", images=array_header("|u1", (2, 8, 8)) + bytes(2**24))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    place = content.rfind(b"PK\x01\x02") + INFLATED
    content[place : place + 4] = struct.pack("<I", 128 + 128)
    (tmp_path / "x.npz").write_bytes(content)
    assert "cannot be read as .npz" in refused(name)


def test_arrays_of_one_name(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file, pytest.warns(UserWarning):
        for _ in range(2):
            file.writestr("images.npy", array_header("|u1", (2, 8, 8)) + bytes(128))
    assert "holds 'images.npy' twice" in refused(f"npz:{path}")


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({"images": np.uint8(3)}, "uint8 of shape []"),
        ({"images": np.zeros((9, 8, 8), complex)}, "complex128 of shape"),
        ({"images": np.zeros(9, [("a", "i4")])}, "of shape [9]"),
        ({"images": IMAGES, "labels": np.int64(3)}, "30 images and 1 labels"),
        ({"images": IMAGES, "labels": np.full(30, np.nan)}, "float64 of shape [30]"),
        ({"images": IMAGES, "labels": np.zeros(30, [("a", "i4")])}, "of shape [30]"),
        ({"images": IMAGES, "labels": LABELS > 0}, "bool of shape [30]"),
        (
            {"images": IMAGES, "labels": LABELS.astype(np.uint64) + 2**63},
            "the first is 9223372036854775808",
        ),
    ],
)
def test_arrays_of_other_kinds(tmp_path, arrays, part):
    np.savez(tmp_path / "x.npz", **arrays)
    assert part in refused(f"npz:{tmp_path / 'x.npz'}")


@pytest.mark.parametrize(
    "change",
    [
        lambda images: {"images": np.asfortranarray(images)},
        lambda images: {"images": (images / 255).astype(">f4")},
        lambda images: {"images": (images / 255).astype(np.longdouble)},
        lambda images: {"images": images, "labels": LABELS.astype(">i8")},
    ],
)
def test_arrays_of_other_orders_are_the_same(tmp_path, change):
    np.savez(tmp_path / "x.npz", **{"labels": LABELS, **change(IMAGES)})
    dataset = data.load(f"npz:{tmp_path / 'x.npz'}")
    np.savez(tmp_path / "y.npz", images=IMAGES, labels=LABELS)
    assert data.identity(dataset) == data.identity(data.load(f"npz:{tmp_path / 'y.npz'}"))


def test_npz_files_that_are_garbled(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    for number in range(80):
        garbled = content.copy()
        start = len(content) - 300 if number % 2 else 0
        garbled[rng.integers(start, start + 300)] = rng.integers(256)
        path.write_bytes(garbled)
        try:
            data.load(f"npz:{path}")
        except UserError:
            pass

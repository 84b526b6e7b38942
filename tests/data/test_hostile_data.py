"""Files made to hang, to fill the memory, or to raise what nobody catches: one line, at once."""

import io
import os
import socket
import struct
import subprocess
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import data
from compare_gan_tf.data import arrays, broken_files, decode, labels, npz, records
from compare_gan_tf.data.decode import BrokenImage, image_facts
from compare_gan_tf.data.own_images import Settings
from compare_gan_tf.errors import UserError, first_line


def refused(name, **options) -> str:
    with pytest.raises(UserError) as error:
        data.load(name, **options)
    assert "\n" not in first_line(error.value)
    return first_line(error.value)


# --- Files that are none -------------------------------------------------------------------------


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path is short
        server.bind(path.name)
        os.chdir(here)


def endless(path):
    with open(path, "wb") as file:
        file.truncate(10**11)  # takes no room


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (os.mkfifo, "it is a named pipe, not a file"),
        (a_socket, "it is a socket, not a file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere.png"), "No such file"),
        (endless, "it has 100,000,000,000 bytes"),
    ],
)
def test_what_has_an_images_name_and_is_no_file(folder, make, part):
    make(folder / "ant" / "x.png")
    message = refused(f"folder:{folder}")
    assert "1 of 21 images" in message and f"ant/x.png: {part}" in message
    skipped = data.load(f"folder:{folder}", broken=broken_files.skip_broken)
    assert sum(map(len, skipped.splits.values())) == 20 and part in skipped.notes[0]


def test_folders_with_the_name_of_an_image_and_folders_without_end(folder):
    (folder / "ant" / "x.png").mkdir()
    (folder / "ant" / "again").symlink_to(folder)
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1_100):  # deeper than Python calls itself
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    try:
        assert sum(map(len, data.load(f"folder:{folder}").splits.values())) == 20
    finally:  # what pytest calls would not come to the end
        subprocess.run(["rm", "-rf", folder / "d"], check=True)


def test_what_may_not_be_read(folder, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(records, "require_file", denied)
        assert "ant/01.png: Permission denied" in refused(f"folder:{folder}")
    monkeypatch.setattr(os, "scandir", denied)
    assert "cannot be read: Permission denied; mend its permissions" in refused(f"folder:{folder}")


@pytest.mark.parametrize("kind", ["zip", "npz", "text", "tfrecord"])
def test_a_pipe_is_not_waited_on(kind, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "it is a named pipe, not a file" in refused(f"{kind}:{tmp_path / 'pipe'}")
    if kind != "tfrecord":  # which reads folders
        assert "it is a folder, not a file" in refused(f"{kind}:{tmp_path}")


# --- Images that inflate -------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width: int, height: int, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(height * (1 + 3 * width)) if width < 99 else b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # which pytest resets
@pytest.mark.parametrize(
    ("side", "claim"),
    [(9_460, "9460 x 9460"), (50_000, "2,500,000,000"), (2**31 - 1, "4,611,686,014,132,420,609")],
)
def test_images_are_refused_by_the_size_that_they_claim(monkeypatch, side, claim):
    monkeypatch.setattr(Image.Image, "load", lambda image: 1 / 0 if image.width > 99 else None)
    with pytest.raises(BrokenImage, match=f"it claims {claim} pixels, more than the 89,478,485"):
        image_facts(png(side, side))


def test_the_limit_of_pixels_is_a_setting(folder, made):
    made.write(folder / "ant" / "x.png", made.encoded(made.picture(1, 30, 30)))
    message = refused(f"folder:{folder}", image_size=8, max_pixels=899)
    assert "it claims 30 x 30 pixels, more than the 899" in message
    assert "data.load.max_pixels" in message
    assert data.load(f"folder:{folder}", image_size=8, max_pixels=900).num_classes == 2
    assert "max_pixels is 0" in refused(f"folder:{folder}", max_pixels=0)
    assert "does not depend on it" in refused("digits", max_pixels=5)


def test_a_limit_above_pillows_own(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    content = io.BytesIO()
    Image.new("L", (30, 30)).save(content, "PNG")
    assert image_facts(content.getvalue(), 900) == ((30, 30), 1)
    with pytest.raises(BrokenImage, match="it claims 30 x 30 pixels, more than the 899"):
        image_facts(content.getvalue(), 899)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_texts_and_profiles_that_inflate(kind):
    bomb = chunk(kind, b"k\0\0" + zlib.compress(bytes(2**26), 1))
    with pytest.raises(BrokenImage, match="Decompressed data too large"):
        image_facts(png(8, 8, bomb))
    assert image_facts(png(8, 8)) == ((8, 8), 3)


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_of_many_frames_the_first_is_read(kind):
    frames = [Image.new("L", (8, 8), value) for value in range(200)]
    content = io.BytesIO()
    frames[0].save(content, kind, save_all=True, append_images=frames[1:])
    assert image_facts(content.getvalue())[0] == (8, 8)
    pixels = decode.Decoder((8, 8), 1)(content.getvalue())
    assert (pixels == 0).all()


def test_formats_that_start_programs_are_no_images():
    with pytest.raises(BrokenImage, match="not an image"):
        image_facts(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")


# --- Zip files -----------------------------------------------------------------------------------


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


# --- Arrays --------------------------------------------------------------------------------------

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
    monkeypatch.setattr(npz, "memory", lambda: 368_639)
    message = refused(f"npz:{path}")
    assert "take 368,640 bytes, more than the memory of this machine, 368,639" in message
    made = arrays.load("x", str(path), Settings(), max_bytes=368_640)
    assert len(made.splits["train"]) == 24
    monkeypatch.undo()
    assert 2**28 < npz.memory() < 2**50


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


# --- TFRecords, text and labels by path ----------------------------------------------------------


def record(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + bytes(4) + content + bytes(4)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (struct.pack("<Q", 2**60) + bytes(100), "ends early"),
        (b"\xff" * 100, "ends early"),
        (record(b"\x0a" + b"\xff" * 10**6), "a number has more than ten bytes"),
        (record(b"\x0a\xff\xff\xff\xff\x0f"), "a field ends behind the record"),
        (record(b"\x0a\x0c\x0a\x0a\x0a\x01a\x12\x05\x0a\xff\xff\xff\x0f"), "ends behind"),
    ],
)
def test_records_that_claim_what_is_not_there(tmp_path, content, part):
    (tmp_path / "x.tfrecord").write_bytes(content)
    assert part in refused(f"tfrecord:{tmp_path}")


def test_tfrecords_that_are_garbled(tmp_path, made):
    examples = [made.example(image=made.encoded(made.picture(i)), label=i) for i in range(4)]
    path = tmp_path / "x.tfrecord"
    made.write_tfrecord(path, examples)
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(0)
    for _ in range(80):
        garbled = content.copy()
        for _ in range(3):
            garbled[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(garbled)
        try:
            data.load(f"tfrecord:{path}")
        except UserError:
            pass


def test_a_text_that_is_too_long(tmp_path):
    endless(tmp_path / "x.txt")
    message = refused(f"text:{tmp_path / 'x.txt'}")
    assert "has 100,000,000,000 bytes" in message and "text.max_bytes = 268435456" in message


@pytest.mark.parametrize("name", ["a{x}.csv", "{}.csv", "{0}{split}.csv", "{split.csv"])
def test_paths_with_braces(folder, tmp_path, name):
    dataset = data.load(f"folder:{folder}")
    for split in dataset.splits:
        rows = [
            f"{dataset.splits[split].name(i)},{i % 2}" for i in range(len(dataset.splits[split]))
        ]
        with open(tmp_path / name.replace("{split}", split), "a") as file:
            file.write("\n".join(rows) + "\n")

    def table(split, split_name, number):
        path = str(tmp_path / name)
        return labels.labels_from_table(split, split_name, number, path=path)

    found = data.load(f"folder:{folder}", labels=table)
    assert found.splits["train"].labels.tolist() == [i % 2 for i in range(16)]

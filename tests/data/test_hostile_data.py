"""Files made to hang, to fill the memory, or to raise what nobody catches: one line, at once."""

import io
import os
import socket
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from compare_gan_tf import data
from compare_gan_tf.data import broken_files, decode, labels, records
from compare_gan_tf.data.decode import BrokenImage, image_facts
from compare_gan_tf.errors import UserError

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

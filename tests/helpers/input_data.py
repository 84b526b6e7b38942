"""Wrong folders, archives, arrays, records and texts."""

import io
import os
import struct
import zipfile
import zlib

import input_originals
import numpy as np
from hypothesis import strategies as st
from input_damage import damaged, no_file, spoil
from input_doors import Command, door

SIZES = st.one_of(st.integers(0, 3), st.integers(2**14, 2**31 - 1))


def data(kind: str, path: str, culprit: str = "", may_be_right: bool = False) -> Command:
    """The command that looks at a data set."""
    arguments = ["data", f"--dataset={kind}:{path}", "--output=grid.png"]
    return Command(arguments, culprit or path, may_be_right)


def claiming(draw) -> bytes:
    """The header of an image of a size that nobody has, with nothing behind it."""
    width, height = draw(SIZES), draw(SIZES)
    header = struct.pack(">IIBBBBB", width, height, 8, draw(st.integers(0, 7)), 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", zlib.crc32(chunk[4:]))
    gif = b"GIF89a" + struct.pack("<HH", width % 2**16, height % 2**16) + b"\x80\0\0" + bytes(9)
    entries = ((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1),
               (273, 4, 1, 8), (279, 4, 1, 2**31 - 1))  # fmt: skip
    tiff = b"II*\0" + struct.pack("<IH", 8, len(entries))
    tiff += b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    bmp = b"BM" + struct.pack("<IIIIiiHH", 60, 0, 54, 40, width, height, 1, 24) + bytes(24)
    return draw(st.sampled_from([png, gif, tiff, bmp]))


@door("folders", 100)
def folders(draw, folder, made) -> Command:
    """Images that are broken or none, folders of nothing, labels that do not fit."""
    kind = draw(st.sampled_from(["image", "header", "no file", "nothing", "labels", "no folder"]))
    place = folder / "in"
    for name, content in input_originals.images().items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    one = place / draw(st.sampled_from(["a/2.png", "b/3.png"]))
    if kind in ("image", "header"):
        content = one.read_bytes()
        one.write_bytes(damaged(draw, content) if kind == "image" else claiming(draw))
        return data("folder", "in", one.name, may_be_right=kind == "image")
    if kind == "no file":
        one.unlink()
        no_file(draw, one, but=("folder", "link to its folder"))
        return data("folder", "in", one.name)
    if kind == "labels":
        text = draw(st.text(max_size=200)).encode("utf-8", "surrogatepass")
        (place / "labels.csv").write_bytes(b"file,label\n" + text)
        return data("folder", "in", "labels.csv", may_be_right=True)
    if kind == "no folder":
        name = draw(st.text(st.characters(exclude_characters="\0\n\r/"), min_size=1, max_size=300))
        return data("folder", f"lost-{name}", "lost-", may_be_right=False)
    (folder / "empty").mkdir()
    if draw(st.booleans()):
        (folder / "empty" / "notes.txt").write_text(draw(st.text(st.characters(codec="utf-8"))))
    return data("folder", "empty")


# --- Archives ---------------------------------------------------------------------------------

OUTSIDE = ["../x.png", "/tmp/x.png", "a/../../x.png", "a/../x.png"]


@door("archives", 90)
def archives(draw, folder, made) -> Command:
    """Archives that are damaged, inflate, hold links, or name what is outside of them."""
    kind = draw(st.sampled_from(["damaged", "outside", "link", "bomb", "twice", "no file", "name"]))
    path = folder / "in.zip"
    content = input_originals.archive()
    if kind == "damaged":
        content = damaged(draw, content)
    path.write_bytes(content)
    if kind == "no file":
        path.unlink()
        no_file(draw, path)
    with zipfile.ZipFile(path, "a") if kind not in ("damaged", "no file") else io.BytesIO() as file:
        if kind == "outside":
            file.writestr(draw(st.sampled_from(OUTSIDE)), input_originals.picture(99))
        if kind == "link":
            info = zipfile.ZipInfo("a/link.png")
            info.external_attr = 0o120777 << 16
            file.writestr(info, draw(st.sampled_from(["/etc/passwd", "../../x", "link.png"])))
        if kind == "bomb":
            size = draw(st.integers(2**24, 2**26))
            file.writestr("a/bomb.png", bytes(size), zipfile.ZIP_DEFLATED)
        if kind == "twice":
            info = zipfile.ZipInfo(draw(st.sampled_from(["a/0.png", "b/1.png"])))
            file.writestr(info, input_originals.picture(99))
        if kind == "name":
            file.writestr("a/" + "x" * draw(st.integers(1, 60_000)) + ".png", b"none")
    return data("zip", "in.zip", may_be_right=kind == "damaged")


# --- Arrays -----------------------------------------------------------------------------------

TYPES = st.sampled_from(["uint8", "float32", "float64", "int64", "bool", "complex64", "U3"])


def npy(draw) -> bytes:
    """An array file whose header promises what one likes."""
    shape = draw(st.lists(st.integers(0, 2**62), max_size=6).map(tuple))
    kind = draw(st.sampled_from(["|u1", "<f4", "|O", "<U9", "|V0", "nonsense", "[('a', 'O')]"]))
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}}}"
    text = draw(st.sampled_from([text, text[:-1], "{}", "__import__('os')", "(" * 5000]))
    head = b"\x93NUMPY" + bytes([draw(st.integers(0, 4)), 0])
    return head + struct.pack("<H", len(text)) + text.encode() + draw(st.binary(max_size=64))


@door("arrays", 100)
def arrays(draw, folder, made) -> Command:
    """Arrays of other shapes and types, with headers that lie, in files that are damaged."""
    kind = draw(st.sampled_from(["shape", "header", "damaged", "no file", "objects", "labels"]))
    path = folder / "in.npz"
    images = np.zeros([24, 8, 8, 3], np.uint8)
    if kind == "shape":
        shape = draw(st.lists(st.integers(0, 5), max_size=5))
        np.savez(path, images=np.zeros(shape, draw(TYPES)))
    if kind == "labels":
        shape = draw(st.lists(st.integers(0, 30), max_size=2))
        np.savez(path, images=images, labels=np.full(shape, -7).astype(draw(TYPES)))
    if kind == "objects":
        values = np.array([draw(st.dictionaries(st.text(), st.integers()))] * 24, object)
        np.savez(
            path, **draw(st.sampled_from([{"images": values}, {"images": images, "y": values}]))
        )
    if kind == "header":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("images.npy", npy(draw))
    if kind == "damaged":
        path.write_bytes(damaged(draw, input_originals.arrays()))
    if kind == "no file":
        no_file(draw, path)
    if draw(st.booleans()):
        return data("npz", "in.npz", may_be_right=kind in ("shape", "labels", "damaged"))
    sides = ["--real=in.npz", "--fake=in.npz", "--metrics=fid", "--extractor=raw_features"]
    right = kind in ("shape", "labels", "damaged", "objects")
    return Command(["evaluate", *sides, "--output=scores.json"], "in.npz", may_be_right=right)


# --- Records and texts ------------------------------------------------------------------------


@door("records", 60)
def records(draw, folder, made) -> Command:
    """TFRecords and texts that are damaged, empty or no files."""
    kind = draw(st.sampled_from(["tfrecord", "text"]))
    path = folder / "in"
    length = draw(st.integers(0, 2**64 - 1))
    record = struct.pack("<QI", length, 0) + draw(st.binary(max_size=100))
    lines = [record, b"\xff\xfe\x00", b"", b"\n \n", b"\x80abc", os.urandom(0)]
    path.write_bytes(draw(st.sampled_from(lines)))
    if draw(st.booleans()):
        spoil(draw, path)
    return data(kind, "in", may_be_right=True)

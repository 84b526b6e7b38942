"""What goes wrong with files: bytes that are lost or changed, and paths that are no files."""

import os
import socket

from hypothesis import strategies as st


def damaged(draw, content: bytes) -> bytes:
    """The content of a file after an accident, which always changes it."""
    kind = draw(st.sampled_from(["cut", "flipped", "overwritten", "random", "empty", "text"]))
    if kind == "empty" or not content:
        return b""
    if kind == "random":
        return draw(st.binary(min_size=1, max_size=300))
    if kind == "text":
        return draw(st.text(max_size=200)).encode("utf-8", "surrogatepass") + b"\n"
    place = draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        return content[:place]
    if kind == "flipped":
        return (
            content[:place]
            + bytes([content[place] ^ draw(st.integers(1, 255))])
            + content[place + 1 :]
        )
    return content[:place] + draw(st.binary(min_size=1, max_size=64)) + content[place + 64 :]


def a_socket(path) -> None:
    """A socket that nobody listens on; its path may be long."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def endless(path) -> None:
    """A file that claims 100 GB and takes no room."""
    with open(path, "wb") as file:
        file.truncate(10**11)


NO_FILES = {
    "pipe": os.mkfifo,
    "socket": a_socket,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to its folder": lambda path: path.symlink_to("."),
    "folder": os.mkdir,
    "endless": endless,
}


def no_file(draw, path, but=()) -> str:
    """Puts something at a path that is no file to be read, and returns what it is."""
    kind = draw(st.sampled_from([name for name in NO_FILES if name not in but]))
    path.parent.mkdir(parents=True, exist_ok=True)
    NO_FILES[kind](path)
    return kind


def spoil(draw, path) -> None:
    """Damages a file, or puts something else in its place."""
    if draw(st.booleans()):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(damaged(draw, content))
    else:
        path.unlink()
        no_file(draw, path)

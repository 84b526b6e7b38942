"""Downloads the files that extractors need and the package does not ship.

A download is written to a temporary file in the cache, checked, and renamed when it is complete. So
an interrupted download is never taken for the file, and two processes may download the same file.
Without a network, put the file into the cache by hand.
"""

import contextlib
import dataclasses
import hashlib
import http.client
import os
import pathlib
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zlib

from tqdm import tqdm

from compare_gan_tf.errors import UserError

CACHE = "COMPARE_GAN_CACHE"  # environment variable: the folder of downloads
_CHUNK = 1 << 20  # bytes
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remote:
    """A file on a server.

    Attributes:
      name: of the file in the cache.
      url: where it comes from.
      algorithm: of the checksum, a name of `hashlib`.
      checksum: hexadecimal digits, or None where none is published.
    """

    name: str
    url: str
    algorithm: str = "sha256"
    checksum: str | None = None

    @property
    def facts(self) -> str:
        """Its address and checksum, for messages."""
        known = f" ({self.algorithm.upper()} {self.checksum})" if self.checksum else ""
        return f"{self.url}{known}"


def cache_folder() -> pathlib.Path:
    """Where downloads are kept: $COMPARE_GAN_CACHE, or else ~/.cache/compare_gan_tf."""
    chosen = os.environ.get(CACHE)
    return pathlib.Path(chosen or "~/.cache/compare_gan_tf").expanduser()


def digest(path, algorithm: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def tree_digest(folder) -> str:
    """SHA-256 of a folder: of the paths in it and the SHA-256s of its files, sorted by path."""
    return files_digest(path for path in pathlib.Path(folder).rglob("*") if path.is_file())


def files_digest(paths) -> str:
    """SHA-256 of files that belong together: of lines "SHA-256  path", as sha256sum writes them.

    Paths are relative to the folder that holds them all, and sorted.
    """
    paths = sorted(pathlib.Path(path).resolve() for path in paths)
    root = os.path.commonpath([path.parent for path in paths])
    lines = [f"{digest(path)}  {path.relative_to(root).as_posix()}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fetch(remote: Remote, timeout_seconds: float = 30.0) -> pathlib.Path:
    """The file in the cache; downloads it if it is not there.

    Args:
      remote: which file.
      timeout_seconds: without any byte, after which a download fails.

    Raises:
      UserError: it cannot be downloaded, or is not the file it should be; says what to put where.
    """
    path = cache_folder() / remote.name
    if path.exists():
        if wrong := _wrong(path, remote):
            raise UserError(f"{path} {wrong}: remove it, or put the file of {remote.url} there")
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(
            prefix=f"{path.name}.", suffix=".partial", dir=path.parent
        )
    except OSError as error:
        raise UserError(
            f"cannot write to the cache {path.parent} ({error.strerror}): name a folder in the"
            f" environment variable {CACHE}"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            _download(remote, file, timeout_seconds)
        if wrong := _wrong(partial, remote):
            raise OSError(f"what came {wrong}")
        os.chmod(partial, 0o644)  # of a cache that is shared
        os.replace(partial, path)
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"cannot download {remote.facts}: {_reason(error)}. Where there is a network, download"
            f" it, and put it here as {path}, or name its folder in the environment variable"
            f" {CACHE}"
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
    return path


def is_intact(path, remote: Remote) -> bool:
    """Whether a file has the checksum of the remote one."""
    return _wrong(path, remote) is None


def fetch_folder(remote: Remote, timeout_seconds: float = 30.0) -> pathlib.Path:
    """The folder that a .tar.gz holds, unpacked in the cache; raises as `fetch` does."""
    folder = cache_folder() / remote.name.removesuffix(".tar.gz")
    if folder.is_dir():
        return folder
    archive = fetch(remote, timeout_seconds)
    with tempfile.TemporaryDirectory(suffix=".partial", dir=folder.parent) as partial:
        unpacked = pathlib.Path(partial) / folder.name
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise UserError(
                f"{archive} cannot be unpacked ({_reason(error)}): remove it, or put the file of"
                f" {remote.url} there"
            ) from error
        with contextlib.suppress(OSError):  # another process was first
            os.rename(unpacked, folder)
    return folder


class _OverTLS(urllib.request.HTTPRedirectHandler):
    """Follows redirections that stay encrypted."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """The request of the new address."""
        _require_tls(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_tls(url: str) -> None:
    """Raises OSError if a file would come without encryption from another machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("https", "file") and parts.hostname not in _THIS_MACHINE:
        raise OSError(f"{url} is not encrypted, and what comes from there may be anything")


def _download(remote: Remote, file, timeout_seconds: float) -> None:
    """Copies a remote file into an open one; raises OSError if bytes are missing."""
    _require_tls(remote.url)
    with urllib.request.build_opener(_OverTLS).open(
        remote.url, timeout=timeout_seconds
    ) as response:
        length = response.headers.get("Content-Length")
        expected = None if length is None else int(length)
        with tqdm(
            total=expected, unit="B", unit_scale=True, unit_divisor=1024, desc=remote.name
        ) as progress:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
    if expected is not None and file.tell() != expected:
        raise OSError(f"it ended after {file.tell()} of {expected} bytes")


def _wrong(path, remote: Remote) -> str | None:
    """What is wrong with a file, or None."""
    if remote.checksum is None:
        return None
    found = digest(path, remote.algorithm)
    if found == remote.checksum:
        return None
    return f"has {remote.algorithm.upper()} {found}, not {remote.checksum}"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()) or type(error).__name__

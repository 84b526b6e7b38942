import contextlib
import functools
import hashlib
import http.server
import io
import multiprocessing
import os
import tarfile
import threading

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import downloads
from compare_gan_tf.metrics.downloads import Remote

CONTENT = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, or less of it than it promised where the path says so."""

    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path == "/missing":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        sent = len(CONTENT) // 2 if self.path == "/cut" else len(CONTENT)
        self.wfile.write(CONTENT[:sent])

    def log_message(self, *arguments):
        """Says nothing."""


@pytest.fixture(scope="module")
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(server):
    server.requests.clear()
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv(downloads.CACHE, str(folder))
    return folder


def remote(url, **changes):
    return Remote(**{"name": "weights.bin", "url": url, "checksum": SHA256} | changes)


def test_a_file_is_downloaded_once(url, cache, server):
    path = downloads.fetch(remote(f"{url}/file"))
    assert path == cache / "weights.bin"
    assert path.read_bytes() == CONTENT
    assert downloads.fetch(remote(f"{url}/file")) == path
    assert server.requests == ["/file"]
    assert os.listdir(cache) == ["weights.bin"]


def test_a_file_url_and_an_md5_serve_too(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc")
    md5 = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321
    found = downloads.fetch(remote(source.as_uri(), algorithm="md5", checksum=md5))
    assert found.read_bytes() == b"abc"


def test_a_file_put_there_by_hand_needs_no_network(cache):
    cache.mkdir()
    (cache / "weights.bin").write_bytes(CONTENT)
    assert downloads.fetch(remote("http://127.0.0.1:1/file")).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "reason"),
    [("cut", "ended after 1048576 of 2097152 bytes"), ("missing", "Not Found")],
)
def test_a_download_that_fails_leaves_nothing(url, cache, page, reason):
    with pytest.raises(UserError, match=reason) as caught:
        downloads.fetch(remote(f"{url}/{page}"))
    assert os.listdir(cache) == []
    for told in (f"{url}/{page}", SHA256, str(cache / "weights.bin"), downloads.CACHE):
        assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_network_the_message_says_which_file_to_put_where(cache):
    with pytest.raises(UserError, match=r"127.0.0.1:1/file \(SHA256 .*refused.*put it here as"):
        downloads.fetch(remote("http://127.0.0.1:1/file"))
    assert os.listdir(cache) == []


def test_another_content_is_refused_and_not_kept(url, cache):
    with pytest.raises(UserError, match=f"what came has SHA256 {SHA256}, not 00"):
        downloads.fetch(remote(f"{url}/file", checksum="00"))
    assert os.listdir(cache) == []


def test_a_damaged_file_in_the_cache_is_named_and_left_alone(url, cache, server):
    cache.mkdir()
    (cache / "weights.bin").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"weights.bin has SHA256 .*remove it"):
        downloads.fetch(remote(f"{url}/file"))
    assert (cache / "weights.bin").read_bytes() == b"damaged"
    assert server.requests == []


def test_an_interrupted_download_is_begun_anew(url, cache, monkeypatch):
    def interrupted(remote, file, timeout_seconds):
        file.write(CONTENT[:1000])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_download", interrupted)
        with contextlib.suppress(KeyboardInterrupt):
            downloads.fetch(remote(f"{url}/file"))
    assert os.listdir(cache) == []
    # What a process that was killed left behind is not taken for the file.
    (cache / "weights.bin.abc.partial").write_bytes(CONTENT[:1000])
    assert downloads.fetch(remote(f"{url}/file")).read_bytes() == CONTENT


def _fetch(wanted, barrier, results):
    barrier.wait()
    results.put(downloads.fetch(wanted).read_bytes() == CONTENT)


def test_two_processes_at_once(url, cache):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(2), context.Queue()
    arguments = (remote(f"{url}/file"), barrier, results)
    processes = [context.Process(target=_fetch, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [True, True]
    for process in processes:
        process.join()
    assert os.listdir(cache) == ["weights.bin"]


def test_a_cache_that_cannot_be_written_is_one_clear_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(downloads.CACHE, str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot write to the cache .*COMPARE_GAN_CACHE"):
        downloads.fetch(remote("http://127.0.0.1:1/file"))


def test_the_cache_is_in_the_home_folder_by_default(monkeypatch):
    monkeypatch.delenv(downloads.CACHE)
    monkeypatch.setenv("HOME", "/somewhere")
    assert str(downloads.cache_folder()) == "/somewhere/.cache/compare_gan_tf"


# --- Folders ---------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "module.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("saved_model.pb", "variables/variables.index"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    return path


def test_a_folder_is_unpacked_once(archive, cache):
    wanted = Remote(name="module.tar.gz", url=archive.as_uri())
    folder = downloads.fetch_folder(wanted)
    assert folder == cache / "module"
    assert (folder / "variables" / "variables.index").read_text() == "variables/variables.index"
    (cache / "module.tar.gz").unlink()
    assert downloads.fetch_folder(wanted) == folder
    assert os.listdir(cache) == ["module"]


def test_an_archive_that_is_cut_off_leaves_no_folder(archive, cache):
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(UserError, match="module.tar.gz cannot be unpacked .*remove it"):
        downloads.fetch_folder(Remote(name="module.tar.gz", url=archive.as_uri()))
    assert os.listdir(cache) == ["module.tar.gz"]


def test_digests_are_those_of_sha256sum(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"abc")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    assert downloads.digest(tmp_path / "a") == abc
    listing = f"{abc}  a\n{empty}  b/c\n"
    assert downloads.tree_digest(tmp_path) == hashlib.sha256(listing.encode()).hexdigest()
    partial = functools.partial(downloads.files_digest, [tmp_path / "b" / "c", tmp_path / "a"])
    assert partial() == downloads.tree_digest(tmp_path)


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/x", "//example.com/x"])
def test_an_address_without_encryption_is_refused(url, cache):
    with pytest.raises(UserError, match="is not encrypted, and what comes from there"):
        downloads.fetch(remote(url))
    assert os.listdir(cache) == []


def test_a_redirection_that_leaves_encryption_is_not_followed(monkeypatch, cache):
    class Leads(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://example.com/x")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Leads) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match="http://example.com/x is not encrypted"):
            downloads.fetch(remote(f"http://127.0.0.1:{server.server_address[1]}/x"))
        server.shutdown()

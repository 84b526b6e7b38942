"""What the fakes of services share: an HTTP server on 127.0.0.1 that remembers its requests."""

import contextlib
import http.server
import json
import threading
import urllib.parse


class Fake:
    """A service: `answer` is called with (method, path, query, headers, body) of each request.

    Attributes:
      requests: "METHOD path" of each, in order.
      url: of the server, while it runs.
    """

    def __init__(self):
        self.requests: list[str] = []
        self.url = ""
        self.lock = threading.Lock()

    def answer(self, method, path, query, headers, body):
        """(status, headers, bytes or what becomes JSON); None drops the connection."""
        raise NotImplementedError

    def count(self, start: str) -> int:
        """How many requests start so."""
        return sum(request.startswith(start) for request in self.requests)


@contextlib.contextmanager
def serving(fake: Fake):
    """Runs the server, and then ends it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(fake: Fake):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self):
            address = urllib.parse.urlsplit(self.path)
            path, query = urllib.parse.unquote(address.path), urllib.parse.parse_qs(address.query)
            with fake.lock:
                fake.requests.append(f"{self.command} {path}")
                answer = fake.answer(self.command, path, query, self.headers, self.body())
            if answer is None:
                self.close_connection = True
                return
            status, headers, content = answer
            if not isinstance(content, bytes):
                content, headers = (
                    json.dumps(content).encode(),
                    {
                        "Content-Type": "application/json",
                        **headers,
                    },
                )
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_):
            pass

        do_GET = do_HEAD = do_POST = do_PUT = do

    return Handler

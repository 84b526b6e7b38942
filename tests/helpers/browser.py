"""A page in headless Chromium: its DevTools protocol, spoken through a pipe."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)


def executable() -> str | None:
    """Where a Chromium is, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page. `errors` holds what it wrote to the console as an error; `requested` every URL."""

    def __init__(self, folder, width=1300, height=900, dark=False, offline=True):
        to_it, ours = os.pipe()
        theirs, from_it = os.pipe()
        profile = f"--user-data-dir={folder}"
        command = [executable(), *_FLAGS, profile, f"--window-size={width},{height}", "about:blank"]
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        script = f'exec "$@" 3<&{to_it} 4>&{from_it}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(to_it, from_it), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_it)
        os.close(from_it)
        self._write, self._read, self._rest = ours, theirs, b""
        self._ids, self._session = itertools.count(1), None
        self.errors, self.requested, self._seen = [], [], []
        targets = self._send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        wanted = {"targetId": page["targetId"], "flatten": True}
        self._session = self._send("Target.attachToTarget", **wanted)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._send(f"{domain}.enable")
        self._send("Network.emulateNetworkConditions", offline=offline, latency=0,
                   downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        self.scheme(dark)
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._write)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._read)

    def scheme(self, dark: bool) -> None:
        """What the reader prefers."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])

    def resize(self, width: int, height: int) -> None:
        """Sets the size of the view in CSS pixels."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=width < 500)  # fmt: skip

    def open(self, path, ready: str = "true", within: float = 60.0) -> float:
        """Opens a file, and waits for a JavaScript expression to hold; the seconds it took."""
        start = time.monotonic()
        self._send("Page.navigate", url=f"file://{path}")
        while time.monotonic() < start + within:
            if self.run(f"document.readyState === 'complete' && ({ready})"):
                return time.monotonic() - start
            time.sleep(0.02)
        raise TimeoutError(f"{ready} does not hold after {within} s; errors: {self.errors}")

    def run(self, script: str):
        """The value of a JavaScript expression; of a promise, what it gives."""
        wanted = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self._send("Runtime.evaluate", **wanted)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", answer))
        return answer["result"].get("value")

    def seconds(self) -> float:
        """Of a processor, that the page has used: what else the machine does is not in it."""
        session, self._session = self._session, None
        processes = self._send("SystemInfo.getProcessInfo")["processInfo"]
        self._session = session
        return max(one["cpuTime"] for one in processes if one["type"] == "renderer")

    def scroll_through(self) -> None:
        """Shows every part of the page once, and the top again."""
        self.run("""(async () => {
            for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
                scrollTo(0, y);
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
            }
            scrollTo(0, 0);
        })()""")

    def screenshot(self, path, full: bool = True) -> None:
        """Writes a PNG of the view, or of the whole page."""
        image = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=full,
                           **({"clip": self._whole()} if full else {}))  # fmt: skip
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self._send("Page.printToPDF", printBackground=True)["data"])

    def _whole(self) -> dict:
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _send(self, method: str, **params):
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._keep(answer.get("method"), answer.get("params", {}))

    def _receive(self) -> dict:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], 120)[0]:
                raise TimeoutError("Chromium does not answer")
            new = os.read(self._read, 1 << 20)
            if not new:
                raise RuntimeError("Chromium has ended")
            self._rest += new
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def _keep(self, method, params) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.errors.append([one.get("value") or one for one in params["args"]])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])

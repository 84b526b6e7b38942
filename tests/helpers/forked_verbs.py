"""Commands of compare-gan, each in a process of its own that need not import TensorFlow anew.

Run as a script, this file imports everything once, and then forks for each command that it reads.
"""

import importlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

MOST_SECONDS = 20.0  # of a command, after which it is killed


class Ended(NamedTuple):
    """How a command has ended.

    Attributes:
      code: exit code; negative for a signal, None for a command that was killed as too slow.
      out, err: what it printed.
      seconds: that it took.
    """

    code: int | None
    out: str
    err: str
    seconds: float


class Server:
    """The process that forks. `home` is the folder of all that a command may keep for a user."""

    def __init__(self, home):
        places = {"HOME": home, "COMPARE_GAN_CACHE": home / "cache", "TMPDIR": home / "tmp"}
        places |= {"XDG_CONFIG_HOME": home / "config", "XDG_CACHE_HOME": home / "cache"}
        (home / "tmp").mkdir(parents=True)
        shorter = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}
        environment = os.environ | {key: str(place) for key, place in places.items()}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=environment | shorter | threads,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()  # it waits for a command, and keeps nothing
        self._process.wait()

    def run(self, *arguments, cwd, within=MOST_SECONDS) -> Ended:
        """Runs `compare-gan` with arguments in a folder, and kills it after a time in seconds."""
        asked = {"argv": [*map(os.fspath, arguments)], "cwd": str(cwd), "within": within}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


# --- The process that forks -------------------------------------------------------------------


def _import_everything() -> None:
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf.config import configurables

    configurables.load()
    importlib.import_module("sklearn.datasets")
    for name in ("export", "lowering", "pretrained", "report", "sampling", "study.storage"):
        importlib.import_module(f"compare_gan_tf.{name}")


def _serve() -> None:
    _import_everything()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_ended(**json.loads(line))), file=answers, flush=True)


def _ended(argv, cwd, within) -> dict:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = os.fork()
        if not child:
            _become(argv, cwd, out.fileno(), err.fileno())
        code = _waited_for(child, within)
        seconds = time.monotonic() - start
        for file in (out, err):
            file.seek(0)
        texts = [file.read().decode(errors="surrogateescape") for file in (out, err)]
    return {"code": code, "out": texts[0], "err": texts[1], "seconds": seconds}


def _become(argv, cwd, out: int, err: int) -> None:
    """Runs the command in the child, and never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(cwd)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(ours, theirs)
        from compare_gan_tf.bin import main

        sys.argv = ["compare-gan", *argv]
        main.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited_for(child: int, within: float) -> int | None:
    waiting = os.pidfd_open(child)
    ended = select.select([waiting], [], [], within)[0]
    os.close(waiting)
    try:
        os.killpg(child, signal.SIGKILL)  # it, if it still runs, and what it has started
    except ProcessLookupError:
        pass
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
    _serve()

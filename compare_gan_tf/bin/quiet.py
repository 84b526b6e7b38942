"""Imports TensorFlow and matplotlib without their uninformative messages."""

import contextlib
import logging as standard_logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence

from absl import logging

from compare_gan_tf.bin import interrupts
from compare_gan_tf.errors import without_secrets

_NOISE = re.compile(
    r"All log messages before absl::InitializeLog|^I\d{4} |To enable the following instructions"
    r"|^INFO: Created TensorFlow Lite XNNPACK delegate"
)
_NO_GPU = re.compile(r"failed call to cuInit|Could not find cuda drivers")
# Keras imports these only for functions that no verb uses; they take a quarter of the start time.
_NEVER_USED_BY_KERAS = ("sklearn", "matplotlib", "matplotlib.pyplot")


class Plain(standard_logging.Formatter):
    """Messages without file and line number, and without secrets."""

    def __init__(self, verb: str, program: str):
        super().__init__(f"{program} {verb}: %(message)s")

    def format(self, record: standard_logging.LogRecord) -> str:
        """The line of a record."""
        return without_secrets(super().format(record))


@interrupts.at_once()
def import_tensorflow() -> None:
    """Imports TensorFlow and lists the devices, and suppresses messages that do not matter.

    With --verbosity=0 or more, all messages are shown, also later ones of TensorFlow's graph
    optimisers and about deprecated names; with TF_CPP_MIN_LOG_LEVEL=0, all those of its C++ code.
    """
    verbose = logging.get_verbosity() >= logging.INFO
    # 3 shows only fatal errors; other errors are raised as exceptions as well. TensorFlow reads
    # the variable when it is imported. A value that the user has set is kept.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "3")
    # Some lines about this machine come before TensorFlow has read it, and are filtered instead.
    with contextlib.nullcontext() if verbose or level == "0" else filtered_stderr():
        with _without(_NEVER_USED_BY_KERAS):
            import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if not verbose:
        tf.get_logger().setLevel(standard_logging.ERROR)
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if not gpus and not hidden and _has_nvidia_driver():
        logging.warning(
            "this machine has an NVIDIA GPU that TensorFlow cannot use, so the CPU is used: install"
            " the libraries by pip install 'compare_gan_tf[gpu]'"
        )


@contextlib.contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Makes imports of these modules fail; the importing code must treat them as optional."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def silence_font_cache() -> None:
    """Suppresses matplotlib's message that it builds its font cache at its first use."""
    standard_logging.getLogger("matplotlib.font_manager").setLevel(standard_logging.ERROR)


def _has_nvidia_driver() -> bool:
    return os.path.exists("/dev/nvidiactl")


@contextlib.contextmanager
def filtered_stderr() -> Iterator[None]:
    """Captures what is written to file descriptor 2, and then prints it without the noise."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        original = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            text = held.read().decode(errors="replace")
            sys.stderr.write("".join(filter(_is_worth_showing, text.splitlines(keepends=True))))


def _is_worth_showing(line: str) -> bool:
    """Whether a line is not noise. A message about the driver is noise only without a GPU."""
    if _NO_GPU.search(line) and not _has_nvidia_driver():
        return False
    return not _NOISE.search(line)

"""Imports TensorFlow and matplotlib without the lines that they print on every machine."""

import contextlib
import logging as standard_logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence

from absl import logging

_NOISE = re.compile(
    r"All log messages before absl::InitializeLog|^I\d{4} |To enable the following instructions"
)
_NO_GPU = re.compile(r"failed call to cuInit|Could not find cuda drivers")
# Keras imports these for functions that no verb uses: a fourth of the time that a verb starts in.
_NEVER_USED_BY_KERAS = ("sklearn", "matplotlib", "matplotlib.pyplot")


def import_tensorflow() -> None:
    """Imports TensorFlow and lists the devices, without the lines that say nothing of this run.

    From --verbosity=0 on, all is shown: also what TensorFlow's graph optimisers and its deprecated
    names have to say later.
    """
    verbose = logging.get_verbosity() >= logging.INFO
    # 3 leaves out all but fatal errors: others come as exceptions as well. It is read at the
    # import; a value of the user stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "3")
    with contextlib.nullcontext() if verbose else _filtered_stderr():
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
    """Makes imports of modules fail that are optional to who imports them."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def silence_font_cache() -> None:
    """Keeps matplotlib from telling that it lists the fonts of this machine, at its first use."""
    standard_logging.getLogger("matplotlib.font_manager").setLevel(standard_logging.ERROR)


def _has_nvidia_driver() -> bool:
    return os.path.exists("/dev/nvidiactl")


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Holds back what is written to file descriptor 2, and passes on what is not noise."""
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
    """A failing driver is noise only where there is no GPU."""
    if _NO_GPU.search(line) and not _has_nvidia_driver():
        return False
    return not _NOISE.search(line)

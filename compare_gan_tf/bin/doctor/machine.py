"""Memory, threads, and TensorFlow with its devices, which a process of its own tries."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from compare_gan_tf.bin.doctor.findings import BROKEN, NOTE, Finding
from compare_gan_tf.settings import memory as sizes

_LEAST_MEMORY = 2e9  # bytes, of a run of a small GAN, TensorFlow included
_SECONDS = 300  # for TensorFlow to start
_CGROUP = "/sys/fs/cgroup"
_OF_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def memory() -> Finding:
    """Of the machine, or of the container that this process is in."""
    total, free = sizes.total(), sizes.available()
    value = f"{sizes.shown(free)} of {sizes.shown(total)} are free"
    if free < _LEAST_MEMORY:
        return Finding("memory", value, NOTE, "end other programs: a small GAN takes 2 GB")
    return Finding("memory", value)


def threads() -> Finding:
    """Cores that this process may use, and variables that set numbers of threads."""
    cores = len(os.sched_getaffinity(0))
    quota = _text("cpu.max").split()
    if quota and quota[0].isdecimal():
        cores = min(cores, max(1, int(quota[0]) // int(quota[1])))
    given = [f"{name}={os.environ[name]}" for name in _OF_THREADS if name in os.environ]
    return Finding("threads", ", ".join([f"{cores} of {os.cpu_count()} cores", *given]))


def _text(name: str) -> str:
    with contextlib.suppress(OSError), open(f"{_CGROUP}/{name}", encoding="ascii") as file:
        return file.read()
    return ""


def tensorflow() -> Iterator[Finding]:
    """Whether TensorFlow starts, its devices, and a matrix product on the fastest of them."""
    command = [sys.executable, "-m", "compare_gan_tf.bin.doctor.probe"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        cure = "is the disk slow, or the machine busy? Start it again"
        yield Finding("tensorflow starts", f"not within {_SECONDS} s", BROKEN, cure)
        return
    if done.returncode:
        cure = "install the tested versions: pip install -c constraints.txt -e ."
        if done.returncode == -signal.SIGILL:
            cure = "this processor lacks AVX: use another machine"
        yield Finding("tensorflow starts", _end(done), BROKEN, cure)
        return
    found = json.loads(done.stdout.splitlines()[-1])
    yield Finding("tensorflow starts", f"in {found['import_seconds']:.1f} s")
    if found["keras_backend"] != "tensorflow":
        value = f"{found['keras_backend']}: this package is for Keras on TensorFlow"
        yield Finding("keras' backend", value, BROKEN, 'set "backend" in ~/.keras/keras.json')
    yield gpu(found, done.stderr)
    yield tpu(found)
    yield product(found)


def _end(done: subprocess.CompletedProcess) -> str:
    if done.returncode < 0:
        return f"it is ended by {signal.Signals(-done.returncode).name}"
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def gpu(found: dict, messages: str) -> Finding:
    """The GPUs, or why there is none.

    Args:
      found: by the probe.
      messages: of TensorFlow.
    """
    if found["gpus"]:
        return Finding("GPU", ", ".join(found["gpus"]))
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden in ("", "-1"):
        return Finding("GPU", f"hidden by CUDA_VISIBLE_DEVICES={hidden!r}: the CPU is used")
    if not os.path.exists("/dev/nvidiactl"):
        return Finding("GPU", "no NVIDIA driver on this machine: the CPU is used")
    said = [line for line in messages.splitlines() if "cuda" in line.lower() or "GPU" in line]
    why = f" ({said[-1].partition('] ')[2] or said[-1]})" if said else ""
    cure = "pip install 'compare_gan_tf[gpu]'"
    if not found["is_built_with_cuda"]:
        why, cure = " (this build has no CUDA)", f"pip install tensorflow, then {cure}"
    return Finding("GPU", f"there is one that TensorFlow cannot use{why}", BROKEN, cure)


def tpu(found: dict) -> Finding:
    """The TPUs, or why there is none."""
    if found["tpus"]:
        return Finding("TPU", ", ".join(found["tpus"]))
    there = any(os.path.exists(f"/dev/{name}") for name in ("accel0", "vfio/0"))
    if os.environ.get("TPU_NAME") or there:
        cure = "install TensorFlow's build for TPUs, see docs/accelerators.md"
        return Finding("TPU", "TensorFlow finds none, though this machine has one", NOTE, cure)
    return Finding("TPU", "none on this machine")


def product(found: dict) -> Finding:
    """The speed of a matrix product, and whether it is right."""
    name, rate = "matrix product", found["multiply_adds_per_second"]
    value = f"{rate / 1e9:.0f} G multiply-adds/s in float32 on {found['device']}"
    if found["largest_error"] > found["tolerance"]:
        wrong = f"wrong by {found['largest_error']:.2g} on {found['device']}"
        return Finding(name, wrong, BROKEN, "the device or its driver is damaged: test another")
    return Finding(name, value)

"""Connects the workers of a cluster, after each has heard that the others are there."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import tensorflow as tf

from compare_gan_tf.errors import PeerLost, UserError, first_line
from compare_gan_tf.gan.cluster import DOCS, Cluster
from compare_gan_tf.settings import keras_insides

START = "COMPARE_GAN_START_SECONDS"  # that a worker waits for the others to start
SILENCE = "COMPARE_GAN_SILENCE_SECONDS"  # without a sign of life, then a worker counts as lost
_START, _SILENCE = 600.0, 30.0
_GRACE = 60.0  # seconds for TensorFlow to connect workers that are there


def connect(cluster: Cluster) -> tf.distribute.MultiWorkerMirroredStrategy:
    """Waits for all workers, and makes the strategy of all their GPUs, or of their CPUs.

    Raises:
      UserError: a worker does not start in time, or the port of this one is taken.
      PeerLost: a worker ends while they connect.
    """
    start, silence = _seconds(START, _START), _seconds(SILENCE, _SILENCE)
    wait_for_all(cluster, start)
    keras_insides.watch_workers(
        f"/job:{cluster.leader}/replica:0/task:0",
        {role: len(hosts) for role, hosts in cluster.addresses.items()},
        start=_GRACE,
        silence=silence,
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(cluster.addresses),
        task_type=cluster.role,
        task_id=cluster.index,
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
        rpc_layer="grpc",
    )
    with _signals(start + _GRACE):
        try:
            return tf.distribute.MultiWorkerMirroredStrategy(resolver)
        except tf.errors.OpError as error:
            raise PeerLost(f"another worker ({first_line(error)[:200]})") from error


def wait_for_all(cluster: Cluster, seconds: float) -> None:
    """Listens at this worker's address, and waits until those of all others answer.

    TensorFlow would wait without an end and a word.

    Args:
      cluster: the workers.
      seconds: to wait at most.

    Raises:
      UserError: the port is taken, or a worker does not answer in time.
    """
    end = time.monotonic() + seconds
    own = cluster.addresses[cluster.role][cluster.index]
    names = {
        host: f"{role} {index} ({host})"
        for role, hosts in cluster.addresses.items()
        for index, host in enumerate(hosts)
    }
    with _listening(own, names[own]):
        for host in names.keys() - {own}:
            while reason := _unheard(host):
                if time.monotonic() > end:
                    raise UserError(
                        f"{names[host]} has not started within {seconds:g} s ({reason}): start all"
                        f" workers of {cluster.source} with the same command; {START} waits"
                        f" longer; {DOCS}"
                    )
                time.sleep(0.2)


def _unheard(host: str) -> str | None:
    """Why nobody answers at an address; None if somebody does."""
    try:
        socket.create_connection(_pair(host), timeout=5).close()
    except OSError as error:  # also of a name that is not known yet
        return error.strerror or str(error)
    return None


@contextlib.contextmanager
def _listening(host: str, name: str) -> Iterator[None]:
    """Answers at the port of an address, on all interfaces, as TensorFlow's server will."""
    port = _pair(host)[1]
    try:
        server = socket.create_server(("", port), backlog=128)
    except OSError as error:
        raise UserError(
            f"this is {name}, but port {port} cannot be used here ({error.strerror}): give each"
            f" worker an index and a port of its own; {DOCS}"
        ) from error

    def answer():
        with contextlib.suppress(OSError):  # it is closed
            while True:
                server.accept()[0].close()

    threading.Thread(target=answer, daemon=True).start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # else `accept` would keep the port
        server.close()


def _pair(host: str) -> tuple[str, int]:
    name, _, port = host.rpartition(":")
    return name.strip("[]"), int(port)


def _seconds(name: str, otherwise: float) -> float:
    text = os.environ.get(name, "").strip()
    with contextlib.suppress(ValueError):
        if 1 <= float(text or otherwise) <= 10**6:
            return float(text or otherwise)
    raise UserError(f"{name} = {text!r}: it must be a number of seconds, 1 or more; {DOCS}")


@contextlib.contextmanager
def _signals(seconds: float) -> Iterator[None]:
    """Ends the process if this takes too long, and undoes that TensorFlow ignores SIGTERM.

    TensorFlow waits without Python, which so can print no message.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    alarm = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)

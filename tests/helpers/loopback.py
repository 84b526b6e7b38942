"""Starts the workers of a job on this machine, each a process at a free port."""

import os
import socket
import subprocess
import sys


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens at, below those that the system gives to others' connections."""
    sockets = []
    try:
        port = 20_000 + os.getpid() % 10_000
        while len(sockets) < number:
            port += 1
            one = socket.socket()
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                one.close()
            else:
                sockets.append(one)
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def start(arguments, number: int = 2, **variables) -> list[subprocess.Popen]:
    """Starts Python with these arguments as each of the workers; with one, without addresses.

    Args:
      arguments: of Python; a function of the worker's index, or equal for all.
      number: of workers.
      **variables: further ones of the environment.
    """
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(number))
    common = {name: v for name, v in os.environ.items() if not name.startswith("COMPARE_GAN_W")}
    common |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    common |= {"COMPARE_GAN_START_SECONDS": "300", "COMPARE_GAN_SILENCE_SECONDS": "10"}
    workers = []
    for index in range(number):
        own = {"COMPARE_GAN_WORKERS": addresses, "COMPARE_GAN_WORKER_INDEX": str(index)}
        given = arguments(index) if callable(arguments) else arguments
        workers.append(
            subprocess.Popen(
                [sys.executable, *map(str, given)],
                env=common | (own if number > 1 else {}) | variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return workers


def ends(workers: list[subprocess.Popen], seconds: float = 1500) -> list[tuple[int, str, str]]:
    """(exit code, stdout, stderr) of each worker; kills those that do not end in time."""
    try:
        said = [worker.communicate(timeout=seconds) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(worker.returncode, *texts) for worker, texts in zip(workers, said, strict=True)]

"""The exporter's check of `.keras` files without a new process, which takes seconds to start."""

import pathlib

from compare_gan_tf.export import fresh_process


def run_here(job: dict) -> None:
    """In the place of `fresh_process._run`; tests/export/test_fresh_process.py has that itself."""
    try:
        fresh_process.compute(job)
    except SystemExit:
        failure = pathlib.Path(fresh_process._failure(job["folder"]))
        raise fresh_process.LoadingFailed(failure.read_text()) from None

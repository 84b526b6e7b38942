"""Memory does not grow with the number of samples."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "peak_memory.py"


def peak(number):
    """MiB that a process needs at most to compare so many fakes."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(number)], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


@pytest.mark.slow
def test_the_peak_is_the_same_for_three_numbers_of_fakes():
    """512 features of 10,000 to 160,000 fakes are 20 to 328 MB; images of 16 x 16 as much again."""
    small, middle, large = (peak(number) for number in (10_000, 40_000, 160_000))
    assert middle - small < 60 and large - small < 80

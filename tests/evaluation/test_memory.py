"""Memory does not grow with the number of samples."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "helpers" / "peak_memory.py"


def peak(number):
    """MiB that a process needs at most to compare so many fakes."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(number)], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


@pytest.mark.slow
def test_the_peak_is_the_same_for_three_numbers_of_fakes():
    """512 features of 40,000 to 160,000 fakes are 82 to 328 MB; images of 16 x 16 a third of that.

    Fewer lie in memory.
    """
    small, middle, large = (peak(number) for number in (40_000, 80_000, 160_000))
    assert abs(middle - small) < 60 and abs(large - small) < 60

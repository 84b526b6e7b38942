"""Parameters of which the fast tests take some, and the slow tests all."""

import pytest


def slow_but(values, *fast) -> list:
    """`values` for `pytest.mark.parametrize`; those that are not among `fast` are slow."""
    values = list(values)
    assert set(fast) <= set(values), fast
    return [pytest.param(v, marks=[] if v in fast else pytest.mark.slow) for v in values]

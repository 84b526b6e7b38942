"""Checks that a part of your own keeps the rules that the package relies on.

Call them from a test:

    from compare_gan_tf.testing import check_objective
    from my_parts import Grey


    def test_grey():
        check_objective(Grey)

Each check is a function that raises an `AssertionError`. The package checks its own parts by them,
in tests/conformance.
"""

from compare_gan_tf.testing.architectures import *
from compare_gan_tf.testing.games import *
from compare_gan_tf.testing.losses import *
from compare_gan_tf.testing.metrics import *
from compare_gan_tf.testing.objectives import *

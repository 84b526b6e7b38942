"""That a data set is refused."""

import pytest

from compare_gan_tf import data
from compare_gan_tf.errors import UserError, first_line


def refused(name, **options) -> str:
    with pytest.raises(UserError) as error:
        data.load(name, **options)
    assert "\n" not in first_line(error.value)
    return first_line(error.value)

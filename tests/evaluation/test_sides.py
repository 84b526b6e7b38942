import warnings

import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.evaluation.sides import Features


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "2 of 60 rows of features of x are not finite: extract them again"),
        (1e300, "2 of 60 rows of features of x go beyond 3.4e38 and do not fit float32"),
    ],
)
def test_features_that_no_metric_can_take_are_refused_without_a_warning(value, message):
    features = np.zeros((60, 3))
    features[3:5, 1] = value
    with warnings.catch_warnings(), pytest.raises(UserError, match=message):
        warnings.simplefilter("error")
        Features("x", features)

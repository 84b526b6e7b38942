import keras
import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import scalings


@pytest.fixture(scope="module")
def levels():
    return np.random.default_rng(0).uniform(0, 255, [2, 3, 4, 3]).astype(np.float32)


def test_scalings_are_those_of_their_networks(levels):
    applications = keras.applications
    cases = [
        (scalings.caffe_scaling(), applications.resnet50.preprocess_input),
        (scalings.symmetric_scaling(), applications.inception_v3.preprocess_input),
        (scalings.unit_scaling(), lambda x: x / 255.0),
        (scalings.inception_2015_scaling(), lambda x: (x - 128.0) / 128.0),
        (scalings.unscaled(), lambda x: x),
        (
            scalings.imagenet_scaling(),
            lambda x: keras.applications.imagenet_utils.preprocess_input(x, mode="torch"),
        ),
        (
            scalings.clip_scaling(),
            lambda x: (
                (x / 255.0 - [0.48145466, 0.4578275, 0.40821073])
                / [0.26862954, 0.26130258, 0.27577711]
            ),
        ),
    ]
    for scaling, reference in cases:
        found = scaling(levels)
        assert found.dtype == np.float32
        assert found == pytest.approx(np.asarray(reference(levels.copy())), abs=1e-4)


def test_formulas_say_what_is_done():
    assert scalings.unscaled().formula == "x"
    assert scalings.unit_scaling().formula == "x/255"
    assert scalings.symmetric_scaling().formula == "(x-127.5)/127.5"
    assert scalings.inception_2015_scaling().formula == "(x-128)/128"
    assert scalings.caffe_scaling().formula == "bgr:(x-[103.939,116.779,123.68])"
    found = scalings.imagenet_scaling().formula
    assert found == "(x-[123.675,116.28,103.53])/[58.395,57.12,57.375]"


def test_a_deviation_of_zero_is_refused():
    with pytest.raises(UserError, match=r"deviation is \(1.0, 0.0, 1.0\)"):
        scalings.Scaling(deviation=(1.0, 0.0, 1.0))

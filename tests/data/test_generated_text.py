"""Text that is made and not read: one symbol by known probabilities, and sentences."""

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import categorical, sentences


@pytest.mark.parametrize(("name", "length"), [("categorical", 1), ("sentences", 32)])
def test_samples_are_characters_of_a_vocabulary(name, length):
    dataset = data.load(name)
    assert dataset.sample_shape == (length,) and not dataset.is_images
    assert dataset.symbols == dataset.vocabulary == tuple(sorted(set(dataset.vocabulary)))
    for split, size in {"train": 20_000, "validation": 5_000, "test": 5_000}.items():
        codes = dataset.splits[split].images
        assert codes.shape == (size, length) and codes.dtype == np.uint8
        assert codes.max() < len(dataset.vocabulary)
        again = data.load(name).splits[split].images
        np.testing.assert_array_equal(codes, again)
    assert not np.array_equal(dataset.splits["validation"].images, dataset.splits["test"].images)


def test_symbols_are_drawn_by_their_probabilities():
    p = categorical.probabilities()
    assert p.sum() == pytest.approx(1.0, abs=1e-12) and p.min() > 0.0
    assert np.sum(p * np.log(20 * p)) == pytest.approx(0.54, abs=0.005)
    counts = np.bincount(data.load("categorical").splits["train"].images[:, 0], minlength=20)
    chi_squared = np.sum((counts - 20_000 * p) ** 2 / (20_000 * p))
    assert chi_squared < 43.8  # the 99.9 % quantile with 19 degrees of freedom


def test_sentences_are_of_the_grammar():
    dataset = data.load("sentences")
    lines = [
        "".join(dataset.vocabulary[code] for code in row) for row in dataset.splits["test"].images
    ]
    for line in lines[:200]:
        assert len(line) == 32 and line.endswith(".")
        words = line.removesuffix(".").split(" ")
        for word, words_there in zip(words, sentences._WORDS, strict=True):
            assert word in words_there
    assert len({*lines}) > 4_000

"""Which samples are drawn."""

import numpy as np
import pytest
import small_gan

from compare_gan_tf import sampling
from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.sampling import sources

NAMES = ("cat", "dog", "bird")


def numbers(where="the test", *, shape=(2, 2, 1), **settings):
    """A source whose sample tells block, seed and row: its values are those of this function."""

    def make(number, seed, truncation, labels):
        block, own = seed
        rows = np.arange(number, dtype=np.float32) + 1000 * block + 100 * own + truncation
        rows = rows if labels is None else rows + 0.001 * np.asarray(labels)
        return np.broadcast_to(rows[:, None], (number, 2)).copy()

    return sampling.Source(where, make, shape, "points", **settings)


def drawn(source, wanted):
    parts = list(sources.batches(source, wanted))
    return np.concatenate([made for made, _ in parts]), [labels for _, labels in parts]


def test_blocks_have_seeds_of_their_own_and_any_first_ones_are_the_same():
    source = numbers()
    made, labels = drawn(source, sampling.wanted(source, 130, seed=3, truncation=0.5))
    expected = [*range(64), *range(1000, 1064), 2000, 2001]
    np.testing.assert_array_equal(made[:, 0], np.array(expected) + 300.5)
    assert labels == [None] * 3
    for number in (1, 64, 65, 129):
        some, _ = drawn(source, sampling.wanted(source, number, seed=3, truncation=0.5))
        np.testing.assert_array_equal(some, made[:number])


def test_every_block_is_made_whole_and_small_enough_for_the_memory():
    sizes = []

    def make(number, seed, truncation, labels):
        sizes.append(number)
        return np.zeros((number, 1), np.float32)

    for shape, block in (((32, 32, 3), 64), ((256, 256, 3), 21), ((4096, 4096, 3), 1)):
        source = sampling.Source("", make, shape, "points")
        assert source.block == block
        drawn(source, sampling.wanted(source, 2))
        assert set(sizes) == {block}
        sizes.clear()


def test_labels_go_round_the_classes_in_the_order_that_is_asked_for():
    source = numbers(num_classes=3, class_names=NAMES)
    made, labels = drawn(source, sampling.wanted(source, 70))
    np.testing.assert_array_equal(np.concatenate(labels), np.arange(70) % 3)
    np.testing.assert_allclose(made[:5, 0], [0, 1.001, 2.002, 3, 4.001])
    for asked in (["2", "0"], ["bird", "cat"], [" bird", "0 "]):
        _, labels = drawn(source, sampling.wanted(source, 5, classes=asked))
        np.testing.assert_array_equal(labels[0], [2, 0, 2, 0, 2])


def test_a_name_that_is_a_number_is_no_label():
    source = numbers(num_classes=3, class_names=("2", "7", "1"))
    assert sampling.wanted(source, 1, classes=["2", "7", "1", "0"]).classes == (0, 1, 2, 0)


@pytest.mark.parametrize(
    ("settings", "asked", "message"),
    [
        ({"num_classes": 3}, {"classes": ["3"]}, "has '3': .* are 0 to 2"),
        ({"num_classes": 3}, {"classes": ["-1"]}, "has '-1': .* are 0 to 2"),
        ({"num_classes": 3}, {"classes": [""]}, "has '': .* are 0 to 2"),
        ({"num_classes": 3}, {"classes": ["9" * 5000]}, "are 0 to 2"),
        ({"num_classes": 3}, {"classes": ["cat"]}, "has 'cat': .* are 0 to 2"),
        (
            {"num_classes": 3, "class_names": NAMES},
            {"classes": ["dgo"]},
            r"has 'dgo': .* are 0 to 2, or their names; did you mean dog\?",
        ),
        ({}, {"classes": ["0", "1"]}, "--classes=0,1: the test makes samples without labels"),
        ({"truncates": False}, {"truncation": 0.5}, "--truncation=0.5: the prior of the test"),
    ],
)
def test_what_the_source_has_not_is_one_line(settings, asked, message):
    with pytest.raises(UserError, match=message) as caught:
        sampling.wanted(numbers(**settings), 4, **asked)
    assert "\n" not in str(caught.value)


def test_samples_that_are_not_finite_are_refused():
    def make(number, seed, truncation, labels):
        made = np.zeros((number, 2), np.float32)
        made[5] = np.nan
        return made

    source = sampling.Source("checkpoint 7", make, (2,), "points")
    assert len(drawn(source, sampling.wanted(source, 5))[0]) == 5
    with pytest.raises(UserError, match="checkpoint 7 are not finite.*--checkpoint"):
        drawn(source, sampling.wanted(source, 6))


# --- Of a GAN ---------------------------------------------------------------------------------


def test_the_first_block_of_a_run_are_the_samples_of_its_gan():
    gan = small_gan.make(conditional=True)
    images = np.zeros((3, 4, 4, 1), np.uint8)
    names = ("a", "b", "c")
    dataset = Dataset("test", {"train": Split(images)}, 3, class_names=names)
    source = sampling.of_run(gan, dataset, "here")
    assert (source.kind, source.num_classes, source.class_names) == ("images", 3, names)
    made, _ = drawn(source, sampling.wanted(source, 6, seed=7, truncation=0.5))
    labels = np.arange(64, dtype=np.int32) % 3
    expected = gan.sample(64, [0, 7], 0.5, labels=labels)[:6]
    np.testing.assert_array_equal(made, np.floor((np.asarray(expected) + 1) * 127.5 + 0.5))


def test_points_stay_as_they_are_and_a_prior_may_have_no_truncation():
    points = np.zeros((3, 2), np.float32)
    dataset = Dataset("test", {"train": Split(points)}, 3, class_names=NAMES)

    class Prior:
        dim = 2

        def sample(self, num, seed):
            raise AssertionError

    class Gan:
        num_classes = None
        latents = Prior()

        def sample(self, number, seed, truncation, labels):
            return np.full((number, 2), 7.0, np.float32)

    source = sampling.of_run(Gan(), dataset, "here")
    assert source.kind == "points" and source.class_names is None and not source.truncates
    assert drawn(source, sampling.wanted(source, 3))[0].tolist() == [[7.0, 7.0]] * 3


def test_names_of_classes_with_commas_and_spaces_are_meant():
    names = ("cat, black", "dog", " odd ")
    source = sampling.Source("here", None, (2, 2, 1), "images", num_classes=3, class_names=names)
    assert sampling.wanted(source, 1, classes=["cat, black", " dog", " odd "]).classes == (0, 1, 2)

import numpy as np
import pytest

from compare_gan_tf import data
from compare_gan_tf.data import Split, label_values, labels
from compare_gan_tf.data import labels as label_rules
from compare_gan_tf.errors import UserError

SPLIT = Split(np.zeros((1_000, 2), np.float32), np.arange(1_000, dtype=np.int32) % 10)


def test_partial_labels_keep_a_share_of_every_class():
    found, classes = labels.partial_labels(SPLIT, "train", 10, fraction=0.2)
    assert classes == 10
    kept = found >= 0
    np.testing.assert_array_equal(found[kept], SPLIT.labels[kept])
    assert np.bincount(found[kept]).tolist() == [20] * 10
    again, _ = labels.partial_labels(SPLIT, "train", 10, fraction=0.2)
    np.testing.assert_array_equal(again, found)
    other, _ = labels.partial_labels(SPLIT, "train", 10, fraction=0.2, seed=1)
    assert not np.array_equal(other, found)
    evaluated, _ = labels.partial_labels(SPLIT, "test", 10, fraction=0.2)
    np.testing.assert_array_equal(evaluated, SPLIT.labels)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1])
def test_a_fraction_that_is_none_is_refused(fraction):
    with pytest.raises(UserError, match=f"partial_labels.fraction is {fraction}"):
        labels.partial_labels(SPLIT, "train", 10, fraction=fraction)


def test_random_labels_are_uniform_and_know_nothing_of_the_image():
    found, classes = labels.random_labels(SPLIT, "train", 10)
    assert classes == 10 and found.dtype == np.int32
    assert np.abs(np.bincount(found, minlength=10) - 100).max() < 5 * 9.5
    assert np.mean(found == SPLIT.labels) < 0.15
    unlabelled = Split(SPLIT.images)
    assert labels.random_labels(unlabelled, "train", None, classes=3)[0].max() == 2
    with pytest.raises(UserError, match="set random_labels.classes"):
        labels.random_labels(unlabelled, "train", None)


def test_a_single_label_and_none():
    found, classes = labels.single_label(SPLIT, "train", 10)
    assert classes == 1 and not found.any() and len(found) == 1_000
    assert labels.no_labels(SPLIT, "train", 10) == (None, None)


def test_labels_by_name_from_a_table(folder, tmp_path):
    table = tmp_path / "labels.csv"
    names = [f"{'ant' if n % 2 else 'bee'}/{n:02}.png" for n in range(20)]
    table.write_text("\n".join(f"{name},{n % 3}" for n, name in enumerate(names)) + "\n")

    def replace(split, name, num_classes):
        return labels.labels_from_table(split, name, num_classes, path=str(table))

    dataset = data.load(f"folder:{folder}", labels=replace)
    assert dataset.num_classes == 3
    for split in dataset.splits.values():
        expected = [int(split.name(i)[4:6]) % 3 for i in range(len(split))]
        assert split.labels.tolist() == expected
    table.write_text("\n".join(f"{name},{n % 3}" for n, name in enumerate(names[:-1])))
    with pytest.raises(UserError, match="no label for 1 of .* such as ant/19.png"):
        data.load(f"folder:{folder}", labels=replace)
    table.write_text("ant/01.png;3")
    with pytest.raises(UserError, match='line 1 of .* is not "name,label"'):
        data.load(f"folder:{folder}", labels=replace)


def test_labels_in_order_from_npz(tmp_path):
    path = tmp_path / "labels.npz"
    soft = np.random.default_rng(0).dirichlet(np.ones(4), size=1_000)
    np.savez(path, train=soft, test=np.arange(7))
    found, classes = labels.labels_from_npz(SPLIT, "train", 10, path=str(path))
    np.testing.assert_allclose(found, soft, rtol=1e-6)
    assert classes == 4 and found.dtype == np.float32
    with pytest.raises(UserError, match=r"'test' in .* is \[7\], and the split has 1000"):
        labels.labels_from_npz(SPLIT, "test", 10, path=str(path))
    with pytest.raises(UserError, match="'validation' in .* is missing"):
        labels.labels_from_npz(SPLIT, "validation", 10, path=str(path))


def test_labels_from_the_ancestors_tfrecords(folder, made, tmp_path):
    dataset = data.load(f"folder:{folder}")
    train = dataset.splits["train"]
    names = [train.name(i) for i in range(len(train))]
    hard = [made.example(file_name=n.encode(), label=i % 4) for i, n in enumerate(names)]
    made.write_tfrecord(tmp_path / "hard_train-0", hard[:7])
    made.write_tfrecord(tmp_path / "hard_train-1", hard[7:])
    pattern = f"{tmp_path}/hard_{{split}}-*"
    found, classes = labels.labels_from_tfrecords(train, "train", 4, pattern=pattern)
    assert classes == 4 and found.tolist() == [i % 4 for i in range(16)]
    rows = np.random.default_rng(1).dirichlet(np.ones(3), size=16).astype(np.float32)
    soft = [
        made.example(file_name=n.encode(), label=row) for n, row in zip(names, rows, strict=True)
    ]
    path = made.write_tfrecord(tmp_path / "soft", soft)
    found, classes = labels.labels_from_tfrecords(train, "train", 3, pattern=path)
    np.testing.assert_array_equal(found, rows)
    with pytest.raises(UserError, match="for 3 classes, not 2"):
        labels.labels_from_tfrecords(train, "train", 2, pattern=path)
    with pytest.raises(UserError, match="there is no such file"):
        labels.labels_from_tfrecords(train, "train", 2, pattern=f"{tmp_path}/none")


def test_a_label_beyond_all_classes_names_the_setting_that_says_how_many(tmp_path):
    table, arrays = tmp_path / "labels.txt", tmp_path / "labels.npz"
    lines = [f"{SPLIT.name(i)},{10**6 if i == 0 else 0}" for i in range(len(SPLIT))]
    table.write_text("\n".join(lines))
    np.savez(arrays, train=np.array([10**6] + [0] * (len(SPLIT) - 1)))
    for labelling, path in ((labels.labels_from_table, table), (labels.labels_from_npz, arrays)):
        name = labelling.__name__
        with pytest.raises(UserError, match=f"largest label .* 1000000, .*{name}.classes"):
            labelling(SPLIT, "train", None, path=str(path))
        found, classes = labelling(SPLIT, "train", None, path=str(path), classes=10**6 + 1)
        assert found[0] == 10**6 and classes == 10**6 + 1
    table.write_text(lines[0].replace("1000000", str(2**31)))
    with pytest.raises(UserError, match="line 1 of .*,2147483648.* out of bounds for int32"):
        labels.labels_from_table(SPLIT, "train", None, path=str(table))


@pytest.mark.parametrize(
    ("given", "classes", "part"),
    [
        ([0, -2], 3, r"1 labels of here are not in \[0, 3\).*the first is -2, of sample 1"),
        ([0, 3], 3, r"1 labels of here are not in \[0, 3\)"),
        ([0, 1, 10**6], None, "the largest label of here is 1000000, with 3 samples"),
        ([[1.5, -0.5]], None, "1 rows of the soft labels of here are no probabilities"),
        ([[np.nan, 1.0]], None, "1 rows of the soft labels of here are no probabilities"),
        ([[0.5, 0.6]], None, "row 0 sums to 1.1"),
    ],
)
def test_labels_out_of_range_are_refused(given, classes, part):
    with pytest.raises(UserError, match=part):
        label_rules.check(np.array(given), classes, "here")


def test_a_table_with_two_labels_for_one_sample_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("0.png,1\n1.png,0\n0.png,0\n")
    with pytest.raises(UserError, match="has two labels for 0.png: mend one"):
        label_rules.labels_from_table(None, "train", 2, path=str(tmp_path / "table.csv"))


def test_names_of_classes_leave_samples_without_one_unlabelled():
    found = label_values.numbered(["dog", None, "cat"], ["0.png", "1.png", "2.png"], "here")
    assert found[0].tolist() == [1, -1, 0] and found[1:] == (2, ("cat", "dog"))


@pytest.mark.parametrize("label", ["2147483648", 2**31, 2.0**31, "-2147483648"])
def test_a_number_that_no_int32_holds_is_no_label(label):
    with pytest.raises(UserError, match="is no whole number up to 2147483647"):
        label_values.numbered([label, 1], ["0.png", "1.png"], "here")

import dataclasses
import json

import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.protocol import Protocol, check_same, differences

PROTOCOL = Protocol(
    metric="prdc",
    settings={"k": 5, "strict": True},
    extractor="digits-cnn",
    weights_sha256="1a2b3c4d" + "0" * 56,
    resize="none",
    scaling="x/255",
    quantisation="uint8",
    dataset="digits",
    real_split="test",
    n_real=300,
    n_fake=250,
    ema=True,
    normalisation="moving",
    truncation=0.0,
    seed=42,
    checkpoint_rule="each",
)


def test_the_id_is_short_and_readable():
    readable, _, digest = PROTOCOL.id.rpartition("-")
    assert readable == "prdc-digits-cnn-digits-test300-fake250-ema"
    assert len(digest) == 8 and int(digest, 16) >= 0


def test_the_id_does_not_change_from_release_to_release():
    """Stored scores carry it: SHA-256 of the sorted JSON of all fields, by another program."""
    text = json.dumps(dataclasses.asdict(PROTOCOL), sort_keys=True)
    assert '"real_sha256": null' in text
    assert PROTOCOL.digest == "eec4fbef"


def test_what_is_not_looked_at_is_not_in_the_id():
    protocol = Protocol(metric="ms_ssim", n_fake=1000, seed=0, truncation=0.5)
    assert protocol.id.rpartition("-")[0] == "ms_ssim-fake1000-truncated0.5"


def test_a_path_is_named_by_its_end():
    protocol = dataclasses.replace(PROTOCOL, dataset="folder:/data/my photos", real_split=None)
    assert protocol.id.startswith("prdc-digits-cnn-my_photos-real300-fake250-ema-")


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_a_seed_is_a_whole_number_from_0(seed):
    with pytest.raises(UserError, match=f"evaluate.seed is {seed}: it must be a whole number"):
        dataclasses.replace(PROTOCOL, seed=seed)


CHANGES = {
    "metric": "kid",
    "settings": {"k": 3, "strict": True},
    "extractor": "inception",
    "weights_sha256": "f" * 64,
    "resize": "bicubic299",
    "scaling": "x/127.5-1",
    "quantisation": "float32",
    "dataset": "mnist",
    "real_split": "validation",
    "real_sha256": "0" * 64,
    "n_real": 10_000,
    "n_fake": 50_000,
    "ema_length": 0.05,
    "ema": False,
    "normalisation": "standing10000",
    "truncation": 0.5,
    "labels": "real mix 1a2b3c4d",
    "fake": "real samples of the split train",
    "seed": 43,
    "checkpoint_rule": "best",
}


@pytest.mark.parametrize(("field", "other"), CHANGES.items())
def test_every_field_changes_the_id(field, other):
    assert dataclasses.replace(PROTOCOL, **{field: other}).id != PROTOCOL.id


def test_every_field_is_tried_above():
    assert CHANGES.keys() == {field.name for field in dataclasses.fields(Protocol)}


def test_a_row_carries_every_field():
    later = {"labels": "uniform", "fake": "real samples of the split train", "ema_length": 0.05}
    assert PROTOCOL.to_dict().keys() == CHANGES.keys() - later.keys()  # which say nothing
    full = dataclasses.replace(PROTOCOL, **later)
    assert full.to_dict().keys() == CHANGES.keys()
    assert PROTOCOL.to_dict()["weights_sha256"] == PROTOCOL.weights_sha256


def test_ids_of_before_there_were_labels_are_the_same():
    """Scores that are there already must be found again: ids as commit fcbf155 worked them out."""
    of_run = Protocol(
        metric="fid", settings={}, extractor="digits-cnn", weights_sha256="03ae", resize="none",
        scaling="x/255", quantisation="uint8", dataset="digits", real_split="test", n_real=300,
        n_fake=300, ema=True, normalisation="moving", truncation=0.0, seed=42,
        checkpoint_rule="each",
    )  # fmt: skip
    assert of_run.id == "fid-digits-cnn-digits-test300-fake300-ema-b406d74e"
    of_files = Protocol(metric="kid_full", settings={"a": 1}, n_fake=200, seed=1)
    assert of_files.id == "kid_full-fake200-3ca89fa2"


def row(**changes):
    protocol = dataclasses.replace(PROTOCOL, **changes)
    return {"metric": "coverage", "protocol": protocol.to_dict(), "protocol_id": protocol.id}


def test_scores_of_one_protocol_compare():
    check_same([row(), row(), {**row(metric="kid"), "metric": "kid"}])


def test_scores_of_two_protocols_are_refused_with_the_fields_that_differ():
    rows = [row(), row(n_fake=50_000, resize="bicubic")]
    with pytest.raises(UserError, match="resize 'none' and 'bicubic', n_fake 250 and 50000") as e:
        check_same(rows)
    assert "\n" not in str(e.value)
    first, second = (one["protocol"] for one in rows)
    assert differences(first, second) == {"resize": ("none", "bicubic"), "n_fake": (250, 50_000)}

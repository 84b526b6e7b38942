import dataclasses

import pytest

from compare_gan_tf.metrics.protocol import Protocol

PROTOCOL = Protocol(
    extractor="digits-cnn",
    weights_sha256="1a2b3c4d" + "0" * 56,
    resize="none",
    quantisation="uint8",
    dataset="digits",
    real_split="test",
    n_real=300,
    n_fake=250,
    ema=True,
    seed=42,
)


def test_the_id_is_readable():
    assert PROTOCOL.id == "digits-cnn@1a2b3c4d-none-uint8-digits-test300-fake250-ema-seed42"


def test_an_extractor_without_weights_has_no_hash():
    protocol = dataclasses.replace(PROTOCOL, extractor="raw", weights_sha256=None, ema=False)
    assert protocol.id == "raw-none-uint8-digits-test300-fake250-raw-seed42"


@pytest.mark.parametrize(
    ("field", "other"),
    {
        "extractor": "inception",
        "weights_sha256": "f" * 64,
        "resize": "bicubic299",
        "quantisation": "float32",
        "dataset": "mnist",
        "real_split": "validation",
        "n_real": 10_000,
        "n_fake": 50_000,
        "ema": False,
        "seed": 43,
    }.items(),
)
def test_every_field_changes_the_id(field, other):
    assert dataclasses.replace(PROTOCOL, **{field: other}).id != PROTOCOL.id


def test_a_row_carries_every_field():
    fields = {field.name for field in dataclasses.fields(Protocol)}
    assert PROTOCOL.to_dict().keys() == fields
    assert PROTOCOL.to_dict()["weights_sha256"] == PROTOCOL.weights_sha256

"""The protocol of a score. Two scores are comparable only if their protocols are equal."""

import dataclasses
import hashlib
import json
import re

from compare_gan_tf.errors import UserError
from compare_gan_tf.settings.signatures import Index, check_fields

_LATER = ("ema_length", "labels", "fake")
_LONGEST_NAME = 24  # characters of a data set's name in an id


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything that a score depends on, apart from the two sets of samples.

    Fields that a metric does not use are None: a score of fakes alone has no data set, and a score
    of pixels has no extractor.

    Attributes:
      metric: name of the metric, see `metrics.registry`.
      settings: of the metric itself, such as {"k": 3}.
      extractor: name of the feature extractor.
      weights_sha256: SHA-256 of its weights, or None if it has none.
      resize: how samples are brought to the extractor's size; "none" if they are not.
      scaling: what the extractor's network is fed of a pixel x, such as "x/127.5-1".
      quantisation: "uint8", or "float32" for points and features, which are not rounded.
      dataset: name of the data set.
      real_split: its split that the fakes are compared with.
      real_sha256: of its contents, where the name alone does not say what is in it.
      n_real: real samples.
      n_fake: generated samples.
      ema: whether the fakes come from the averaged weights.
      ema_length: sigma_rel of that average where it was made after the training (post-hoc EMA).
      normalisation: whose statistics the generator's batch norm used: "moving", or "standing" with
        the samples they were taken over.
      truncation: of the latents; 0 for none.
      labels: how often a conditional generator was given each label: "uniform", or "real mix" with
        a hash of how often the reals have it.
      fake: what the fakes are where they are real samples, for the floor: their split.
      seed: of the latents and labels of the fakes, and of the samples chosen.
      checkpoint_rule: how the checkpoint was chosen: "each" of a run is scored, "best", "latest",
        or a step.
    """

    metric: str
    settings: dict = dataclasses.field(default_factory=dict)
    extractor: str | None = None
    weights_sha256: str | None = None
    resize: str | None = None
    scaling: str | None = None
    quantisation: str | None = None
    dataset: str | None = None
    real_split: str | None = None
    real_sha256: str | None = None
    n_real: int | None = None
    n_fake: int
    ema: bool | None = None
    ema_length: float | None = None
    normalisation: str | None = None
    truncation: float | None = None
    labels: str | None = None
    fake: str | None = None
    seed: Index
    checkpoint_rule: str | None = None

    def __post_init__(self):
        check_fields(self, name="evaluate")

    @property
    def digest(self) -> str:
        """8 hexadecimal digits of the SHA-256 of all fields."""
        fields = json.dumps(self.to_dict(), sort_keys=True, allow_nan=False, default=str)
        return hashlib.sha256(fields.encode()).hexdigest()[:8]

    @property
    def id(self) -> str:
        """Short and readable, and by its last part different for different protocols.

        For example "fid-digits-cnn-digits-test300-fake300-ema-1a2b3c4d".
        """
        real = f"{self.real_split or 'real'}{self.n_real}" if self.n_real is not None else None
        weights = {True: "ema", False: "raw", None: None}[self.ema]
        standing = (self.normalisation or "moving").startswith("standing")
        parts = [
            self.metric,
            self.extractor,
            self.dataset and _short(self.dataset),
            real,
            f"fake{self.n_fake}",
            weights if self.ema_length is None else f"{weights}{self.ema_length:g}",
            "standing" if standing else None,
            f"truncated{self.truncation:g}" if self.truncation else None,
            self.digest,
        ]
        return "-".join(part for part in parts if part)

    def to_dict(self) -> dict:
        """The fields, as a row of scores carries them.

        Fields that came later are left out where they say nothing, so that ids stay what they were.
        """
        fields = dataclasses.asdict(self)
        return {k: v for k, v in fields.items() if v is not None or k not in _LATER}


def _short(name: str) -> str:
    """The end of a path, in characters that need no quoting."""
    return re.sub(r"[^\w.]+", "_", name.rstrip("/").rpartition("/")[2])[-_LONGEST_NAME:]


def differences(first: dict, second: dict) -> dict[str, tuple]:
    """{field: (its value in the first, in the second)} of two protocols that rows carry."""
    names = [*first, *(name for name in second if name not in first)]
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def check_same(rows) -> None:
    """Refuses scores of several protocols where one column or one comparison is to hold them.

    Args:
      rows: of scores, with `metric`, `protocol` and `protocol_id`.

    Raises:
      UserError: two rows of a metric differ in their protocol; names the fields.
    """
    first: dict = {}
    for row in rows:
        known = first.setdefault(row["metric"], row)
        if known["protocol_id"] == row["protocol_id"]:
            continue
        fields = differences(known["protocol"], row["protocol"])
        listed = ", ".join(f"{name} {one!r} and {two!r}" for name, (one, two) in fields.items())
        raise UserError(
            f"scores of {row['metric']} under different protocols do not compare: {listed or 'ids'}"
            f" ({known['protocol_id']}, {row['protocol_id']}); score both under one protocol"
        )

"""How a score was made: two scores compare only if all of this agrees."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything a Fréchet distance depends on besides the two sets of samples.

    Attributes:
      extractor: name of the feature extractor.
      weights_sha256: SHA-256 of its weights, or None if it has none.
      resize: how samples are brought to the extractor's size; "none" if they are not.
      quantisation: "uint8", or "float32" for points, which are not rounded.
      dataset: name of the data set.
      real_split: its split that the fakes are compared with.
      n_real: real samples.
      n_fake: generated samples.
      ema: whether the fakes come from the averaged weights.
      seed: of the latents and labels of the fakes.
    """

    extractor: str
    weights_sha256: str | None
    resize: str
    quantisation: str
    dataset: str
    real_split: str
    n_real: int
    n_fake: int
    ema: bool
    seed: int

    @property
    def id(self) -> str:
        """Short and readable, and different for different protocols.

        For example "digits-cnn@1a2b3c4d-none-uint8-digits-test300-fake300-ema-seed42".
        """
        weights = f"@{self.weights_sha256[:8]}" if self.weights_sha256 else ""
        parts = [
            f"{self.extractor}{weights}",
            self.resize,
            self.quantisation,
            self.dataset,
            f"{self.real_split}{self.n_real}",
            f"fake{self.n_fake}",
            "ema" if self.ema else "raw",
            f"seed{self.seed}",
        ]
        return "-".join(parts)

    def to_dict(self) -> dict:
        """The fields, as a row of scores carries them."""
        return dataclasses.asdict(self)

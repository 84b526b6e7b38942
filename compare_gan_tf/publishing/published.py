"""What a published export is."""

from typing import NamedTuple

from compare_gan_tf.export import cards

# All that `pretrained.load` reads.
LOADED = (cards.MANIFEST, cards.FACTS, "generator.keras", "discriminator.keras")


class Published(NamedTuple):
    """Where an export was published.

    Attributes:
      address: what `pretrained.load` takes, with the revision or version where that is known.
      page: where people find it: a web page, or the folder.
      note: a sentence for the user, or "".
    """

    address: str
    page: str
    note: str = ""

"""Loads both players of a trained GAN from the folder of an export."""

import os

import numpy as np

from compare_gan_tf import publishing
from compare_gan_tf.config.gin_errors import did_you_mean
from compare_gan_tf.data.images import to_uint8
from compare_gan_tf.errors import UserError
from compare_gan_tf.export import cards, load_keras
from compare_gan_tf.gan import alphabets
from compare_gan_tf.gan.drawing import Draws
from compare_gan_tf.latents import prior_from_config
from compare_gan_tf.pretrained import shipped
from compare_gan_tf.storage import files

_ALPHABETS = (alphabets.Bits, alphabets.Characters, alphabets.Colours)
_PLAYERS = ("generator.keras", "discriminator.keras")


class Pretrained(Draws):
    """A trained GAN.

    Args:
      folder: path of an export.

    Attributes:
      card: what `model.json` holds: shape, data, training and scores with their protocols.
      generator: Keras model {"z": float32 [n, dim]}, and "labels": int32 [n] if conditional, ->
        images float32 [n, H, W, C] in [-1, 1], points [n, D], or the logits of a discrete one. It
        is the moving average where the run has one.
      discriminator: Keras model {"images"}, and "labels" if conditional, -> {"logits": [n],
        "features": [n, F]}.
      latents: the prior of z.
      num_classes, class_names: of a conditional GAN, else None.
      alphabet: of a discrete generator, else None.

    Raises:
      UserError: the folder is no export, or a file in it was changed.
    """

    def __init__(self, folder: str):
        self.card = cards.read(folder)
        missing = [name for name in _PLAYERS if not files.exists(os.path.join(folder, name))]
        if missing:
            raise UserError(
                f"{folder} has no {missing[0]}, for its network has layers of your own: load "
                "generator/ by tf.saved_model.load"
            )
        cards.require_unchanged(folder, *_PLAYERS)
        self.generator, self.discriminator = (
            load_keras(os.path.join(folder, name)) for name in _PLAYERS
        )
        self.latents = prior_from_config(self.card["latents"])
        self.num_classes, self.class_names = self.card["num_classes"], self.card["class_names"]
        alphabet, shape = self.card["alphabet"], self.card["sample_shape"]
        self.alphabet = alphabet and alphabet_from_config(alphabet, shape)

    @property
    def sampling_generator(self):
        """The generator that makes samples: `generator`."""
        return self.generator

    def sample(self, num=16, seed=0, truncation=0.0, labels=None):
        """Draws samples.

        Args:
          num: their number, up to 10^7.
          seed: an integer, or two. The same seed gives the same samples, and the first k of them
            do not depend on `num`.
          truncation: of the latents, see `latents`; 0 for none.
          labels: `num` labels, or names of classes; None draws them uniformly.

        Returns:
          Images uint8 [num, H, W, C], points float32 [num, D], or a list of `num` lines of text.

        Raises:
          UserError: an argument is wrong, or the samples do not fit into memory.
        """
        seed = (0, seed) if np.ndim(seed) == 0 else seed
        labels = None if labels is None else [self._label(one) for one in labels]
        made = self.draw(num, seed, truncation, labels)
        if self.card["kind"] == "images":
            return np.asarray(to_uint8(made))
        if self.card["kind"] == "points":
            return np.asarray(made)
        return ["".join(self.alphabet.vocabulary[code] for code in line) for line in made.numpy()]

    def draw(self, num, seed=(0, 0), truncation=0.0, labels=None):
        """Samples as `GAN.sample` gives them: images in [-1, 1], points, or codes of characters."""
        return super().sample(num, seed, truncation, labels)

    def _label(self, label):
        if not isinstance(label, str):
            return label
        if label not in (self.class_names or ()):
            raise UserError(
                f"there is no class {label!r}{did_you_mean(label, self.class_names or ())}"
            )
        return self.class_names.index(label)


def load(name: str) -> Pretrained:
    """Loads a trained GAN.

    Args:
      name: of a model that ships with this package, see `names`; the folder of an export, such as
        "runs/mine/hub/2000" or "gs://bucket/mine"; or the address of a published one:
        "hf://user/name", "hf://user/name@revision", "kaggle://user/model/variation" or
        "kaggle://user/model/variation/version". What was downloaded before is in the cache of
        huggingface_hub or kagglehub, and is loaded from there without a network.

    Raises:
      UserError: there is no such model, it cannot be downloaded, or its files are damaged.
    """
    return Pretrained(find(name))


def find(name: str) -> str:
    """The folder of a model, see `load`."""
    if name in shipped.names():
        return str(shipped.FOLDER / name)
    path = os.path.expanduser(os.fspath(name))
    if publishing.is_hosted(path):
        return publishing.fetch(path)
    if files.is_remote(path):
        return path.rstrip("/")
    if os.path.isdir(path):
        return path
    hint = did_you_mean(name, shipped.names())
    raise UserError(
        f"there is no model {name!r}{hint}: name one of {', '.join(shipped.names())}, the folder of"
        " an export, or an address such as hf://user/name"
    )


def alphabet_from_config(config: dict, sample_shape) -> alphabets.Alphabet:
    """The bound alphabet of which `get_config` returned `config`, for samples of a shape.

    Raises:
      UserError: there is no such alphabet, or it does not fit the shape.
    """
    known = {kind.__name__.lower(): kind for kind in _ALPHABETS}
    if config.get("name") not in known:
        raise UserError(f"an alphabet is {config.get('name')!r}, not one of {', '.join(known)}")
    alphabet = known[config["name"]]()
    palette = config.get("palette")
    symbols = config.get("vocabulary") if palette is None else np.array(palette, np.uint8)
    alphabet.bind(tuple(sample_shape), symbols)
    return alphabet

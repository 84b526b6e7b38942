"""Publishes exports, and gets them from where they are published.

An address is `hf://user/name[@revision]` on the Hugging Face Hub, or
`kaggle://user/model/variation[/version]` in Kaggle Models. Everything else is a folder, of this
machine or of any file system that TensorFlow knows, such as `gs://bucket/path`.
"""

import os

from compare_gan_tf.errors import UserError
from compare_gan_tf.export import cards
from compare_gan_tf.publishing import folders, hugging_face, kaggle
from compare_gan_tf.publishing.published import LOADED, Published
from compare_gan_tf.storage import files

__all__ = ["Published", "fetch", "is_hosted", "push"]

_SERVICES = {"hf://": hugging_face, "kaggle://": kaggle}


def is_hosted(address: str) -> bool:
    """Whether an address is one of a service, which `fetch` downloads from."""
    return address.startswith(tuple(_SERVICES))


def push(folder: str, to: str, *, overwrite: bool = False) -> Published:
    """Uploads an export: what its manifest lists, and the manifest.

    A second call uploads what is missing. The services keep what was there before as an older
    version; in a folder only `overwrite` replaces it.

    Args:
      folder: of the export, such as "runs/mine/hub/2000".
      to: address without a revision or version, or a folder.
      overwrite: whether another export in a folder is replaced.

    Raises:
      UserError: the export is damaged or has no .keras files, the address is wrong or cannot be
        reached or written, or something else lies there.
    """
    names = cards.listed(folder)
    if missing := sorted(set(LOADED) - {*names, cards.MANIFEST}):
        raise UserError(f"{folder} has no {missing[0]}, without which pretrained.load cannot load")
    cards.require_unchanged(folder, *names)
    if not is_hosted(to):
        return folders.push(folder, names, to, overwrite=overwrite)
    if overwrite:
        raise UserError(f"{to} keeps all versions: leave --overwrite out")
    if files.is_remote(folder):
        raise UserError(f"{folder} is remote: copy it to this machine, then push it to {to}")
    return _service(to).push(os.path.abspath(folder), [*names, cards.MANIFEST], to)


def fetch(address: str) -> str:
    """The folder of an export on this machine; downloads what the cache of the service lacks.

    Only the card's facts and both players are downloaded, and checked against the manifest.

    Args:
      address: of a service, see `is_hosted`.

    Raises:
      UserError: the address is wrong, cannot be reached and is not in the cache, or what it has is
        damaged or no export.
    """
    folder, removable = _service(address).fetch(address)
    if not os.path.exists(os.path.join(folder, cards.MANIFEST)):
        raise UserError(f"{address} has no {cards.MANIFEST}: it is no export of compare-gan")
    try:
        cards.require_unchanged(folder, *set(LOADED) - {cards.MANIFEST})
    except UserError as error:
        raise UserError(
            f"{address} is damaged, or its copy here is ({error}): remove {removable} to download"
            " it again"
        ) from error
    return folder


def _service(address: str):
    return next(service for scheme, service in _SERVICES.items() if address.startswith(scheme))

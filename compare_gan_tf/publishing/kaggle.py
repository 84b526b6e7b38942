"""Exports in Kaggle Models, by `kagglehub`, which reads tokens and has a cache."""

import contextlib
import filecmp
import glob
import logging
import os
import re
from collections.abc import Iterator, Sequence

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.export import cards
from compare_gan_tf.publishing.published import LOADED, Published
from compare_gan_tf.storage import staging

# In the addresses of Kaggle's pages, the framework comes before the variation.
_FORM = re.compile(r"kaggle://([\w-]+/[\w-]+)(?:/keras)?/([\w.-]+?)(?:/(\d+))?")
_LOGIN = "put an API token into KAGGLE_API_TOKEN or ~/.kaggle/access_token"


def push(folder: str, names: Sequence[str], address: str) -> Published:
    """Uploads files of a local folder as a new version; does nothing if the newest one is equal.

    Raises:
      UserError: the address is wrong, cannot be reached, or may not be written.
    """
    model, version = _parsed(address)
    if version is not None:
        raise UserError(f"{address} names a version, and a push makes a new one: leave it out")
    others = [glob.escape(path) for path, _ in staging.contents(folder) if path not in names]
    with _explained(address) as hub:
        there = _newest_equal(hub, model, folder)
        if there is None:
            hub.model_upload(model, folder, ignore_patterns=others)
        page = hub.handle.parse_model_handle(there or model).to_url()
    note = "A new model is private, until you change that on its page."
    if there is None:
        note += " Kaggle takes some time to show a new version, and numbers it on that page."
    return Published("kaggle://" + (there or model).replace("/keras/", "/"), page, note)


def fetch(address: str) -> tuple[str, str]:
    """(folder of the export in the cache, folder to remove if it is damaged).

    Raises:
      UserError: the address is wrong, or it is neither in the cache nor can it be downloaded.
    """
    model, version = _parsed(address)
    with _explained(address) as hub:
        import requests

        try:
            folder = _downloaded(hub, f"{model}/{version}" if version else model)
        except (requests.ConnectionError, requests.Timeout):
            folder = None if version else _newest_cached(hub, model)
            if folder is None:
                raise
    return folder, folder


def _downloaded(hub, handle: str) -> str:
    """The folder with all files that are loaded, of one version."""
    folder = os.path.dirname(hub.model_download(handle, LOADED[0]))
    number = os.path.basename(folder)
    if number.isdecimal() and not handle.endswith(f"/{number}"):
        handle = f"{handle}/{number}"  # the newest may be another one from now on
    for name in LOADED[1:]:
        hub.model_download(handle, name)
    return folder


def _newest_equal(hub, model: str, folder: str) -> str | None:
    """The handle of the newest version, if its manifest is that of a folder; else None."""
    import requests

    try:
        there = hub.model_download(model, cards.MANIFEST)
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code in (403, 404):
            return None  # there is no such model, or version, or file
        raise
    if not filecmp.cmp(there, os.path.join(folder, cards.MANIFEST), shallow=False):
        return None
    return f"{model}/{os.path.basename(os.path.dirname(there))}"


def _newest_cached(hub, model: str) -> str | None:
    """The folder of the newest version that is whole in the cache, or None."""
    any_version = hub.handle.parse_model_handle(f"{model}/1")
    folder = os.path.dirname(hub.cache.get_cached_path(any_version))
    numbers = filter(str.isdecimal, os.listdir(folder) if os.path.isdir(folder) else ())
    for number in sorted(numbers, key=int, reverse=True):
        found = os.path.join(folder, number)
        if all(os.path.exists(os.path.join(found, name)) for name in LOADED):
            return found
    return None


def _parsed(address: str) -> tuple[str, str | None]:
    """(handle user/model/keras/variation, version or None)."""
    found = _FORM.fullmatch(address)
    if found is None:
        raise UserError(
            f"{address} is no model: write kaggle://user/model/variation, or"
            " kaggle://user/model/variation/version"
        )
    return f"{found[1]}/keras/{found[2]}", found[3]


@contextlib.contextmanager
def _explained(address: str) -> Iterator:
    """Yields the library, which shows its progress and no log; turns its errors into one line."""
    try:
        import kagglehub
        from kagglehub import exceptions
    except ImportError as error:
        raise UserError(
            f"{address} needs kagglehub: pip install 'compare_gan_tf[kaggle]'"
        ) from error
    logger = logging.getLogger("kagglehub")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield kagglehub
    except (
        OSError,
        ValueError,
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
    ) as error:
        raise UserError(_reason(address, error)) from error
    finally:
        logger.setLevel(level)


def _reason(address: str, error: Exception) -> str:
    import requests

    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"access to {address} is refused: {_LOGIN}"
    if status == 404:
        return f"there is no export at {address}, or it is private: check the name, and {_LOGIN}"
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return f"{address} cannot be reached: check the network, and try again"
    return f"{address}: {first_line(error)}"

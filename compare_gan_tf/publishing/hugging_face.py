"""Exports on the Hugging Face Hub, by `huggingface_hub`, which reads tokens and has a cache."""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence

from compare_gan_tf.errors import UserError, first_line
from compare_gan_tf.publishing.published import LOADED, Published

_FORM = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
# What an older export may have had and a newer one lacks.
_REPLACED = ("generator/*", "discriminator/*", "*.keras", "samples.png")
_LOGIN = "log in by `hf auth login`, or put a token into HF_TOKEN"


def push(folder: str, names: Sequence[str], address: str) -> Published:
    """Uploads files of a local folder to a repository, which is made if there is none.

    Raises:
      UserError: the address is wrong, cannot be reached, or may not be written.
    """
    repository, revision = _parsed(address)
    if revision is not None:
        raise UserError(f"{address} names a revision, and a push makes a new one: leave it out")
    with _explained(address) as hub:
        api = hub.HfApi(library_name="compare_gan_tf")
        page = api.create_repo(repository, private=True, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=list(names),
            delete_patterns=list(_REPLACED),
            commit_message="Upload an export of compare_gan_tf",
        )
    note = "A new model is private, until you change that in its settings."
    return Published(f"hf://{repository}@{commit.oid}", str(page), note)


def fetch(address: str) -> tuple[str, str]:
    """(folder of the export in the cache, folder to remove if it is damaged).

    Raises:
      UserError: the address is wrong, or it is neither in the cache nor can it be downloaded.
    """
    repository, revision = _parsed(address)
    with _explained(address) as hub:
        folder = hub.snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(LOADED),
            library_name="compare_gan_tf",
        )
    return folder, os.path.dirname(os.path.dirname(folder))


def _parsed(address: str) -> tuple[str, str | None]:
    """(user/name, revision or None)."""
    found = _FORM.fullmatch(address)
    if found is None:
        raise UserError(f"{address} is no model: write hf://user/name, or hf://user/name@revision")
    return found[1], found[2]


@contextlib.contextmanager
def _explained(address: str) -> Iterator:
    """Yields the library; turns its errors into one line."""
    try:
        import httpx2
        import huggingface_hub
    except ImportError as error:
        raise UserError(
            f"{address} needs huggingface_hub: pip install 'compare_gan_tf[hf]'"
        ) from error
    try:
        yield huggingface_hub
    except RuntimeError as error:  # an upload of a file failed
        raise UserError(_reason(address, error.__cause__ or error)) from error
    except (OSError, ValueError, httpx2.HTTPError) as error:
        raise UserError(_reason(address, error)) from error


def _reason(address: str, error: BaseException) -> str:
    import httpx2
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{address} has no such revision: name a branch, a tag or a whole commit of it"
    if isinstance(error, errors.GatedRepoError):
        return f"{address} asks who loads it: agree on its page, and {_LOGIN}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"there is no {address}, or it is private: check the name, and {_LOGIN}"
    if isinstance(error, errors.LocalTokenNotFoundError) or status in (401, 403):
        return f"access to {address} is refused: {_LOGIN} that has this right"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return f"{address} is not in the cache, and cannot be reached: load it once with a network"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"{address} cannot be reached while HF_HUB_OFFLINE is set: unset it"
    if isinstance(error, httpx2.TransportError):
        return f"{address} cannot be reached ({first_line(error)}): check the network"
    return f"{address}: {first_line(error)}"

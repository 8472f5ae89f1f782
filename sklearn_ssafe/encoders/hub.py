"""Fetch one file from the Hugging Face hub, or say within seconds why not."""

import os
from contextlib import contextmanager
from contextvars import ContextVar

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.utils import (
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from .weights import WeightsNotFoundError

# The hub is told nothing of what runs here, unless somebody has set this to 0. The library itself
# may have been loaded before, and has read the variable then; processes started later read it.
if os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1") == "1":
    constants.HF_HUB_DISABLE_TELEMETRY = True

_allowed = ContextVar("allowed", default=True)

#: Seconds to wait for the hub's first answer.
FIRST_ANSWER_TIMEOUT = 5


@contextmanager
def downloads(allowed):
    """Say whether the hub may be reached, in what this thread does within."""
    token = _allowed.set(allowed and _allowed.get())
    try:
        yield
    finally:
        _allowed.reset(token)


def fetch_from_hub(repo, names, what):
    """Return the path of a hub file in the local cache, downloading it when it is not there.

    The cache is the one of `huggingface_hub` (``HF_HOME``, ``HF_HUB_CACHE``), and
    ``HF_HUB_OFFLINE=1`` is obeyed. One short question is put to the hub before a download,
    because a download alone would repeat its attempts for half a minute where there is no network.
    """
    repo, _, revision = repo.partition("@")
    revision = revision or None
    for name in names:
        file = huggingface_hub.try_to_load_from_cache(repo, name, revision=revision)
        if isinstance(file, str):
            return file
    if not _allowed.get():
        raise WeightsNotFoundError(
            f"The weights of {what} are not on this machine, and allow_download=False: nothing was "
            f"fetched. Missing: {names[0]} of {repo}. To fetch it from the hub: "
            "load_detector(path, allow_download=True), or --allow-download. "
            + _where_to_put(repo, names[0])
        )
    for name in names:
        url = huggingface_hub.hf_hub_url(repo, name, revision=revision)
        size = None
        try:
            size = huggingface_hub.get_hf_file_metadata(url, timeout=FIRST_ANSWER_TIMEOUT).size
            return huggingface_hub.hf_hub_download(repo, name, revision=revision)
        except GatedRepoError as error:
            raise WeightsNotFoundError(
                f"The weights of {what} are gated: accept their terms at "
                f"{constants.ENDPOINT}/{repo}, then log in with `hf auth login` or HF_TOKEN. "
                + _where_to_put(repo, name)
            ) from error
        except RepositoryNotFoundError as error:
            raise WeightsNotFoundError(
                f"The hub has no repository {repo!r} for {what}, or it is private and this "
                "machine is not logged in. " + _where_to_put(repo, name)
            ) from error
        except Exception as error:  # the hub's HTTP library decides what a lost network raises
            # A file that only the local cache lacks is such an error too, and no answer.
            if isinstance(error, EntryNotFoundError) and not isinstance(
                error, LocalEntryNotFoundError
            ):
                continue
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            of_size = f", {size / 1e6:.0f} MB" if size else ""
            raise WeightsNotFoundError(
                f"The weights of {what} are not on this machine and could not be fetched from the "
                f"hub ({reason}). Missing: {name} of {repo} ({url}{of_size}). "
                + _where_to_put(repo, name)
            ) from error
    raise WeightsNotFoundError(
        f"The hub repository {repo!r} of {what} holds none of {', '.join(names)}. "
        + _where_to_put(repo, names[0])
    )


def fetch_first_from_hub(repo, names, what):
    """Return the path of the first of several files that a repository has.

    Unlike `fetch_from_hub`, a file in the cache does not hide a preferred one on the hub. Where the
    hub is out of reach, the cache alone decides.
    """
    if not _allowed.get():
        return fetch_from_hub(repo, names, what)
    place, _, revision = repo.partition("@")
    for number, name in enumerate(names):
        try:
            return fetch_from_hub(repo, (name,), what)
        except WeightsNotFoundError as error:
            if error.__cause__ is None:  # the hub has answered that there is none
                continue
            for other in names[number + 1 :]:
                file = huggingface_hub.try_to_load_from_cache(
                    place, other, revision=revision or None
                )
                if isinstance(file, str):
                    return file
            raise
    raise WeightsNotFoundError(
        f"The hub repository {repo!r} holds none of {', '.join(names)}, which would say "
        "which model of open_clip or timm it is."
    )


def _where_to_put(repo, name):
    if name.endswith(".json"):
        return (
            f"Fetch the repository where there is a network, `ssafe encoders fetch hf-hub:{repo} "
            "-o FOLDER`, and name the folder as encoder. encoder='forensic' needs no weights."
        )
    return (
        f"Fetch {name} elsewhere (`ssafe encoders fetch`) and pass weights='path/to/{name}', or "
        f"copy the hub cache of a machine that has it to {constants.HF_HUB_CACHE}. "
        "encoder='forensic' needs no weights."
    )

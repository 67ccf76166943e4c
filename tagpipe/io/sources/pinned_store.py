"""The pinned store: bytes of sources, each in a file named by its sha256, in the git-ignored scratch folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tagpipe.io.repository.files import remove_file, write_bytes, write_json
from tagpipe.io.repository.layout import Layout
from tagpipe.params import Sha256

_LISTED = TypeAdapter(frozenset[Sha256])


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pinned_file(layout: Layout, sha256: str) -> Path:
    """Path in the store of the bytes with this sha256, present or not."""
    return layout.scratch / "pinned" / sha256


def find_pinned(layout: Layout, sha256: str) -> bytes | None:
    """The bytes with this sha256; None if the store lacks them, or has other bytes in their place."""
    file = pinned_file(layout, sha256)
    data = file.read_bytes() if file.is_file() else None
    return data if data is not None and sha256_of(data) == sha256 else None


def store_pinned(layout: Layout, data: bytes) -> None:
    """Keep `data` for good."""
    sha256 = sha256_of(data)
    if find_pinned(layout, sha256) is None:
        write_bytes(pinned_file(layout, sha256), data)


def store_download(layout: Layout, data: bytes) -> str:
    """Keep `data` until `forget_downloads` removes it, and return its sha256."""
    sha256 = sha256_of(data)
    if not pinned_file(layout, sha256).is_file():
        # Listed first: a kill in between must not leave a file that is never removed.
        write_json(_list_of_downloads(layout), sorted({*_read_downloads(layout), sha256}))
    store_pinned(layout, data)
    return sha256


def forget_downloads(layout: Layout, needed: Iterable[str]) -> None:
    """Remove what `store_download` kept, except the sha256s `needed`: a moving upstream would fill the disk.

    What `tagpipe refresh` or fetch stored is never removed. DVC has the bytes of every version that was built.
    """
    listed = _read_downloads(layout)
    kept = listed & set(needed)
    if kept == listed:
        return
    for sha256 in listed - kept:
        remove_file(pinned_file(layout, sha256))
    write_json(_list_of_downloads(layout), sorted(kept))


def _list_of_downloads(layout: Layout) -> Path:
    return layout.scratch / "downloads.json"


def _read_downloads(layout: Layout) -> frozenset[str]:
    try:
        return _LISTED.validate_json(_list_of_downloads(layout).read_bytes())
    except (OSError, ValidationError):  # scratch: at worst, files that nobody needs stay
        return frozenset()

"""The received inputs of a version, which must have the sha256 that its manifest gives them."""

from __future__ import annotations

import hashlib

from tagpipe.errors import InputError, IntegrityError
from tagpipe.formats.suffixes import SUFFIXES
from tagpipe.io.repository.raw_files import FileBytes, find_raw, open_raw
from tagpipe.io.repository.reports import RESTORE
from tagpipe.io.versions.version import Version

_SLICE_BYTES = 1 << 20


def read_raw(version: Version, name: str, suffix: str, *, sha256: str) -> FileBytes | bytes:
    """The received bytes of the input `name`. Raises InputError if they are gone, IntegrityError if they differ."""
    path = f"{version.layout.path_of('fetch', 'raw')}/{name}{suffix}"
    data = open_raw(version.layout.root / path) if version.repo is None else version.read_file(path)
    digest = hashlib.sha256()
    for start in range(0, len(data), _SLICE_BYTES):
        digest.update(data[start : start + _SLICE_BYTES])
    if digest.hexdigest() != sha256:
        raise IntegrityError(f"sha256 {digest.hexdigest()}, the manifest has {sha256}", file=path, fix=RESTORE)
    return data


def check_raw(version: Version, name: str, *, sha256: str) -> None:
    """Raise as `read_raw` does, whatever the ending of the file."""
    folder = version.layout.out("fetch", "raw")
    if version.repo is None:
        read_raw(version, name, find_raw(folder, name).suffix, sha256=sha256)
        return
    errors = []
    for suffix in SUFFIXES:
        try:
            read_raw(version, name, suffix, sha256=sha256)
        except InputError as error:
            errors.append(error)
        else:
            return
    raise errors[0]

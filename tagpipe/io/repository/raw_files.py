"""The received files: read in slices, because they may not fit into memory."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from tagpipe.errors import InputError
from tagpipe.formats.suffixes import SUFFIXES, read_suffix
from tagpipe.io.repository.files import remove_file, replace_file, unreadable

_COPY_BYTES = 1 << 20


class FileBytes:
    """The content of a file, sliced like bytes; the file is closed with the object."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._fd)
        self._size = os.fstat(self._fd).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._size)
        return os.pread(self._fd, max(stop - start, 0), start)


def open_raw(path: Path) -> FileBytes:
    """The content of `path`. Raises InputError if it cannot be read."""
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        return FileBytes(path)
    except OSError as error:
        raise unreadable(path, error) from None


def find_raw(directory: Path, name: str) -> Path:
    """The file of input `name` in data/raw. Raises InputError unless there is exactly one."""
    paths = [directory / f"{name}{suffix}" for suffix in SUFFIXES if (directory / f"{name}{suffix}").is_file()]
    if len(paths) != 1:
        raise InputError(
            f"should hold one file of {name}",
            file=str(directory),
            found=", ".join(path.name for path in paths) or "none",
            fix="Run `tagpipe run fetch`",
        )
    return paths[0]


def suffix_of(path: Path) -> str:
    """The ending of a file name, by which the file is read. Raises InputError if it is unknown."""
    try:
        return read_suffix(path.name)
    except ValueError as error:
        raise InputError("has an unknown file ending", file=str(path), expected=str(error), fix="Rename it") from None


def copy_raw(path: Path, directory: Path, name: str) -> str:
    """Copy a received file into a raw folder as the only file of input `name`, and return the name of the copy."""
    target = directory / f"{name}{suffix_of(path)}"
    if not (target.exists() and target.samefile(path)):
        source = open_raw(path)
        with replace_file(target) as file:
            for start in range(0, len(source), _COPY_BYTES):
                file.write(source[start : start + _COPY_BYTES])
    for suffix in SUFFIXES:  # an earlier copy may have had another ending
        other = directory / f"{name}{suffix}"
        if other != target:
            remove_file(other)
    return target.name

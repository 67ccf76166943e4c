"""The folder that `tagpipe build` writes: built in a hidden folder inside it, then put in place whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tagpipe.errors import Busy, ConfigError
from tagpipe.formats.suffixes import SUFFIXES
from tagpipe.io.repository.files import unwritable
from tagpipe.io.repository.layout import DVC_FILE, Layout

SCRATCH_FOLDER = ".build.tmp"
"""Holds a build until it is whole; inside the folder, so that moving it out never crosses file systems."""


def is_being_put_in_place(folder: Path) -> bool:
    """True while the files of a build replace those of an earlier one, or if a kill ended that."""
    return (folder / SCRATCH_FOLDER / "old").is_dir()


def check_build_folder(layout: Layout) -> None:
    """Raise ConfigError unless the folder is new, empty or of an earlier build: nothing else is ever replaced."""
    folder = layout.root
    with _explain_os_errors(folder):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if DVC_FILE in names:
        raise ConfigError(
            "is a dataset repository, whose files a build would replace",
            file=str(folder),
            fix="Name another folder, or build the repository with `tagpipe run`",
        )
    is_build = layout.params_file.is_file() and layout.out("threshold", "manifest.json").is_file()
    if names and not is_build and SCRATCH_FOLDER not in names:
        raise ConfigError(
            "holds files that `tagpipe build` did not write",
            file=str(folder),
            found=", ".join(sorted(names)[:3]),
            expected="a new or empty folder, or one of an earlier build",
            fix="Name another folder",
        )


@contextlib.contextmanager
def fill_build_folder(layout: Layout) -> Iterator[Layout]:
    """A layout to write a whole build to; at the end of the block its files move to the folder of `layout`.

    If the block raises, the folder stays as it was. What a killed build left behind is removed. Raises ConfigError if
    the disk refuses, Busy if another build is at work in the folder.
    """
    check_build_folder(layout)
    folder, scratch = layout.root, layout.root / SCRATCH_FOLDER
    new_folders = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with _explain_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with _lock_folder(folder), _empty_scratch(scratch):
            yield replace(layout, root=scratch / "new")
            with _explain_os_errors(folder):
                _put_in_place(layout, scratch / "new", scratch / "old")
    finally:
        _remove_empty(new_folders)


def _put_in_place(layout: Layout, new: Path, old: Path) -> None:
    """Move the files of an earlier build to `old`, and those of `new` into place; if that fails, move all back.

    The manifest goes first and comes last: a folder that a kill leaves half moved is no build.
    """
    folder = layout.root
    manifest = layout.out("threshold", "manifest.json").relative_to(folder)
    files = [path.relative_to(new) for path in sorted(new.rglob("*")) if path.is_file()]
    rest = [path for path in files if path != manifest]
    raw = layout.out("fetch", "raw").relative_to(folder)
    # Only one file of an input may stay; that of the earlier build may have another ending.
    inputs = [path.with_suffix(suffix) for path in files if path.parent == raw for suffix in SUFFIXES]
    before = [path for path in (manifest, *dict.fromkeys([*rest, *inputs])) if os.path.lexists(folder / path)]
    moves = [(folder / path, old / path) for path in before]
    moves += [(new / path, folder / path) for path in (*rest, manifest)]
    done = []
    try:
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            done.append((source, target))
    except BaseException:  # Ctrl-C, too
        for source, target in reversed(done):
            target.rename(source)
        raise


@contextlib.contextmanager
def _empty_scratch(folder: Path) -> Iterator[None]:
    """Remove the folder now, in case a killed build left it, and at the end."""
    with _explain_os_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders, innermost first, up to the first that holds something."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextlib.contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Lock the folder against other builds; the kernel frees it if this process is killed."""
    with _explain_os_errors(folder):
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _explain_os_errors(folder):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _explain_os_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError into a ConfigError, or into Busy if the lock is taken."""
    try:
        yield
    except BlockingIOError:
        raise Busy(
            "another `tagpipe build` is at work in this folder",
            file=str(folder),
            fix="Wait for it to end and run the command again",
        ) from None
    except OSError as error:
        raise unwritable(error.filename or folder, error) from None

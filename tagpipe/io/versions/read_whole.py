"""Read one version, and not parts of two, while a build or a run may be replacing it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tagpipe.errors import InputError, IntegrityError, TagpipeError
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.layout import DVC_FILE, SCRATCH, build_layout, repository_layout
from tagpipe.io.repository.lock import is_locked, read_holder
from tagpipe.io.versions.build_folder import is_being_put_in_place
from tagpipe.io.versions.recorded_bytes import SUMS_FILE
from tagpipe.tables.reports.manifest import Manifest

T = TypeVar("T")

_N_READS = 10
_WAIT_S = 0.05


def read_whole(root: Path, read: Callable[[], T]) -> T:
    """What `read` returns of the version on disk at `root`, all of it of one version.

    It is called again where the version was replaced meanwhile, or is not whole because a build is under way. Raises
    IntegrityError if that goes on, otherwise what `read` raises.
    """
    for _ in range(_N_READS):
        before = _marks(root)
        failure: TagpipeError | None = None
        try:
            result = read()
        except TagpipeError as error:
            failure = error
        is_settled = before == _marks(root)
        if failure is None and is_settled:
            return result
        if failure is not None and is_settled and not _is_being_built(root):
            raise failure
        time.sleep(_WAIT_S)
    if isinstance(failure, TagpipeError) and not isinstance(failure, InputError | IntegrityError):
        raise failure
    raise IntegrityError(
        "is no whole version: a build is under way",
        file=str(root),
        fix="Wait for it to end and run the command again",
        details=() if failure is None else (failure.headline,),
    )


def _marks(root: Path) -> list[tuple[int, int] | None]:
    """What changes whenever another version is put in place."""
    is_repository = (root / DVC_FILE).is_file()
    try:
        manifest = (repository_layout if is_repository else build_layout)(root).out(*Manifest.OUTPUT)
    except TagpipeError:  # which `read` raises, too
        return []
    return [_mark(path) for path in (manifest, root / (LOCK_FILE if is_repository else SUMS_FILE))]


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _is_being_built(root: Path) -> bool:
    """True if a build is put in place in the folder, or another process runs the stages of the repository."""
    if is_being_put_in_place(root):
        return True
    path = root / SCRATCH / "run.lock"
    if not is_locked(path):
        return False
    holder = read_holder(path)
    return holder is None or holder.pid not in (os.getpid(), os.getppid())

"""The last good version, put back after a stage has failed.

DVC deletes a stage's outputs before it runs the stage. Outputs come back from DVC's cache; reports, which are not in
it, from copies in .tagpipe/reports (named by the md5 that dvc.lock has) or from git. dvc.lock as it was when the run
began is kept in .tagpipe/begun.lock, so that a run after a killed one still knows the last good version. A plain
`dvc repro` or `git checkout` since then makes dvc.lock whole again, and begun.lock out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.history.lock import RecordedStage
from tagpipe.io.git.commits import read_blob
from tagpipe.io.repository.dvc_lock import LOCK_FILE, find_conflict, parse_lock
from tagpipe.io.repository.files import md5_of, remove_file, write_bytes
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.programs import start_dvc
from tagpipe.io.runs.run_dvc import Echo, iter_lines


def remember_last_good(layout: Layout) -> bytes | None:
    """dvc.lock as it was when this run, or the killed one before it, began; None if there was none.

    Raises ConfigError if dvc.lock is not what DVC writes.
    """
    lock_file = layout.root / LOCK_FILE
    begun = layout.scratch / "begun.lock"
    if begun.is_file() and lock_file.is_file() and _is_cut_off(lock_file.read_bytes()):
        if data := begun.read_bytes():
            write_bytes(lock_file, data)
        else:  # there was none
            remove_file(lock_file)
    now = lock_file.read_bytes() if lock_file.is_file() else None
    stages = parse_lock(now).stages if now is not None else {}
    if begun.is_file() and not _is_whole(layout, stages):
        before = begun.read_bytes() or None
    else:
        before = now
        write_bytes(begun, now or b"")
    remember_reports(layout)
    return before


def _is_cut_off(data: bytes) -> bool:
    """True if a kill came while DVC was writing this dvc.lock: DVC 3.67 writes it in place (seen by `make soak`)."""
    if find_conflict(data) is not None:
        return False  # git wrote the conflict, and only a person can resolve it
    try:
        parse_lock(data)
    except ConfigError:
        return True
    return not data.endswith(b"\n")


def _is_whole(layout: Layout, stages: dict[str, RecordedStage]) -> bool:
    """True if a dvc.lock describes one version: it has every stage, and each read what the stages before it wrote."""
    if not set(layout.stages) <= set(stages):
        return False
    own = [stages[name] for name in layout.stages]
    written = {out.path: out.md5 for stage in own for out in stage.outs}
    return all(dep.md5 == written.get(dep.path, dep.md5) for stage in own for dep in stage.deps)


def forget_begun(layout: Layout) -> None:
    """Remove begun.lock: the workspace holds the last good version now."""
    remove_file(layout.scratch / "begun.lock")


def remember_reports(layout: Layout, *, only_these: bool = False) -> None:
    """Copy the reports of the workspace to where `put_back` finds them. only_these: also remove older copies."""
    contents = [path.read_bytes() for name in layout.reports if (path := layout.root / name).is_file()]
    kept = {_kept_report(layout, md5_of(data)): data for data in contents}
    for path, data in kept.items():
        if not path.is_file():
            write_bytes(path, data)
    if only_these:
        for path in (layout.scratch / "reports").glob("*"):
            if path not in kept:
                remove_file(path)


def _kept_report(layout: Layout, digest: str) -> Path:
    return layout.scratch / "reports" / digest


def put_back(layout: Layout, before: bytes | None, lock: HeldLock, echo: Echo) -> None:
    """Restore the outputs and reports of the version that `before` (a dvc.lock) describes."""
    if before is None:
        return
    write_bytes(layout.root / LOCK_FILE, before)
    process = start_dvc(layout.root, "checkout", "--force", "--quiet", lock=lock)
    # Stages that have never run have nothing to put back; DVC 3.67 then ends in an error without naming one.
    errors = [line.removeprefix("ERROR: ") for line in iter_lines(process) if line.startswith("ERROR: ")]
    missing = [path for path, digest in _recorded_reports(layout, before) if not _put_back_report(layout, path, digest)]
    if errors or missing:
        echo("warning: the last good version could not be put back whole: " + "; ".join([*errors, *missing]))


def _recorded_reports(layout: Layout, lock_file: bytes) -> Iterator[tuple[str, str]]:
    """(path, md5) of the reports in a dvc.lock."""
    for stage in parse_lock(lock_file).stages.values():
        for out in stage.outs:
            if out.path in layout.reports and out.md5 is not None:
                yield out.path, out.md5


def _put_back_report(layout: Layout, path: str, digest: str) -> bool:
    """Restore a report; True if its bytes were found."""
    data = next((data for data in _iter_copies(layout, path, digest) if md5_of(data) == digest), None)
    if data is None:
        return False
    write_bytes(layout.root / path, data)
    return True


def _iter_copies(layout: Layout, path: str, digest: str) -> Iterator[bytes]:
    """Candidates for a report: the file in its place, the copy that was kept, the file in the last commit."""
    for file in (layout.root / path, _kept_report(layout, digest)):
        if file.is_file():
            yield file.read_bytes()
    with suppress(ConfigError):  # without git there is no last commit
        if (data := read_blob(layout.root, "HEAD", path)) is not None:
            yield data

"""The last good version, put back after a stage has failed.

DVC deletes a stage's outputs before it runs it, reports too. Outputs come back from DVC's cache; reports are kept by
their md5 (the name that dvc.lock has for them) in .tagpipe/reports, or come from git. dvc.lock as it was when the run
began stands in .tagpipe/begun.lock, so that a run after a killed one still knows the last good version. A plain
`dvc repro` or a `git checkout` since then makes dvc.lock whole again, and begun.lock out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from typing import Any

from tagpipe.errors import ConfigError
from tagpipe.io.git.commits import read_blob
from tagpipe.io.repository.dvc_lock import LOCK_FILE, find_conflict, parse_lock
from tagpipe.io.repository.files import write_bytes
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.lock import HeldLock
from tagpipe.io.repository.programs import start_dvc
from tagpipe.io.runs.run_dvc import Echo, iter_lines


def remember_last_good(layout: Layout) -> bytes | None:
    """dvc.lock as it was when this run, or the killed one before it, began; None if there was none.

    Raises ConfigError where dvc.lock is not what DVC writes.
    """
    lock_file = layout.root / LOCK_FILE
    begun = layout.scratch / "begun.lock"
    if begun.is_file() and lock_file.is_file() and _is_cut_off(lock_file.read_bytes()):
        _write_lock(layout, begun.read_bytes())
    now = lock_file.read_bytes() if lock_file.is_file() else None
    stages = parse_lock(now) if now is not None else {}
    if begun.is_file() and not _is_whole(layout, stages):
        before = begun.read_bytes() or None
    else:
        before = now
        write_bytes(begun, now or b"")
    remember_reports(layout)
    return before


def _write_lock(layout: Layout, data: bytes) -> None:
    """Put a dvc.lock back as it was; empty: there was none."""
    if data:
        write_bytes(layout.root / LOCK_FILE, data)
    else:
        (layout.root / LOCK_FILE).unlink()


def _is_cut_off(data: bytes) -> bool:
    """Whether a kill came while DVC was writing this dvc.lock, which DVC 3.67 does in place (met by `make soak`)."""
    if find_conflict(data) is not None:
        return False  # that was git, and only a person can resolve it
    try:
        parse_lock(data)
    except ConfigError:
        return True
    return not data.endswith(b"\n")


def _is_whole(layout: Layout, stages: dict[str, dict[str, Any]]) -> bool:
    """Whether a dvc.lock describes one version: it has every stage, and each read what the one before it wrote."""
    if not set(layout.stages) <= set(stages):
        return False
    own = [stages[name] for name in layout.stages]
    written = {out["path"]: out.get("md5") for stage in own for out in stage.get("outs", ())}
    read = [dep for stage in own for dep in stage.get("deps", ()) if dep["path"] in written]
    return all(dep.get("md5") == written[dep["path"]] for dep in read)


def forget_begun(layout: Layout) -> None:
    """The run is whole: what the workspace holds is the last good version now."""
    (layout.scratch / "begun.lock").unlink(missing_ok=True)


def remember_reports(layout: Layout, *, only_these: bool = False) -> None:
    present = [layout.root / path for path in layout.reports if (layout.root / path).is_file()]
    kept = {}
    for path in present:
        data = path.read_bytes()
        kept[_kept_report(layout, md5(data, usedforsecurity=False).hexdigest())] = data
    for path, data in kept.items():
        if not path.is_file():
            write_bytes(path, data)
    if only_these:
        for path in (layout.scratch / "reports").glob("*"):
            if path not in kept:
                path.unlink()


def _kept_report(layout: Layout, digest: str) -> Path:
    return layout.scratch / "reports" / digest


def put_back(layout: Layout, before: bytes | None, lock: HeldLock, echo: Echo) -> None:
    """Outputs and reports of the version that `before` (a dvc.lock) describes."""
    if before is None:
        return
    write_bytes(layout.root / LOCK_FILE, before)
    process = start_dvc(layout.root, "checkout", "--force", "--quiet", lock=lock)
    # Of stages that have never run there is nothing to put back; DVC counts that as a failure without a word.
    said = [line.removeprefix("ERROR: ") for line in iter_lines(process) if line.startswith("ERROR: ")]
    missing = [path for path, digest in _recorded_reports(layout, before) if not _put_back_report(layout, path, digest)]
    if said or missing:
        echo("warning: the last good version could not be put back whole: " + "; ".join([*said, *missing]))


def _recorded_reports(layout: Layout, lock_file: bytes) -> Iterator[tuple[str, str]]:
    """(path, md5) of the reports in a dvc.lock."""
    for stage in parse_lock(lock_file).values():
        for out in stage.get("outs", ()):
            if out["path"] in layout.reports and "md5" in out:
                yield out["path"], out["md5"]


def _put_back_report(layout: Layout, path: str, digest: str) -> bool:
    def is_it(data: bytes | None) -> bool:
        return data is not None and md5(data, usedforsecurity=False).hexdigest() == digest

    present = layout.root / path
    if present.is_file() and is_it(present.read_bytes()):
        return True
    kept = _kept_report(layout, digest)
    data = kept.read_bytes() if kept.is_file() else None
    if not is_it(data):
        with suppress(ConfigError):  # without git there is no HEAD to ask
            data = read_blob(layout.root, "HEAD", path)
    if data is None or not is_it(data):
        return False
    write_bytes(present, data)
    return True

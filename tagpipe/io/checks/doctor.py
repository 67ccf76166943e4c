"""A check-up of the dataset repository and the machine. It only reads, and never changes anything."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tagpipe.checks.check_results import CheckResult, Kind, judge_disk, judge_libraries
from tagpipe.errors import IntegrityError, TagpipeError
from tagpipe.io.checks.dvc_checks import (
    check_dvc_lock_file,
    check_dvc_settings,
    check_remote,
    check_rwlock,
    check_version,
)
from tagpipe.io.checks.git_checks import check_git, check_ignored, check_line_endings, check_worktrees
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.repository.lock import is_locked, read_holder
from tagpipe.io.repository.programs import run_program
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.sources.pinned_store import find_pinned, pinned_file
from tagpipe.io.sources.sources import named_sources

SCHEDULE_TIMEOUT_S = 60.0
LIBRARIES = ("dvc", "prefect", "fastapi", "sqlalchemy")


def examine(root: Path) -> list[CheckResult]:
    """The results of all checks, in their order. Raises ConfigError if `root` is no dataset repository."""
    layout = repository_layout(root)
    return [result for name, check in _CHECKS.items() for result in _run_check(name, check, layout)]


def _run_check(name: str, check: Callable[[Layout], Iterator[CheckResult]], layout: Layout) -> list[CheckResult]:
    try:
        return list(check(layout))
    except TagpipeError as error:
        kind: Kind = "integrity" if isinstance(error, IntegrityError) else "configuration"
        where = f"{error.file}: " if error.file else ""
        return [CheckResult(name, "error", f"{where}{error.what}", error.fix or "", kind)]
    except Exception as error:  # noqa: BLE001 - a check-up must outlive whatever it finds
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        fix = "Look at what it says; the other checks went on"
        return [CheckResult(name, "error", f"could not be checked: {reason}", fix)]


def _check_run_lock(layout: Layout) -> Iterator[CheckResult]:
    result = _check_lock("run lock", layout.scratch / "run.lock")
    yield result
    if result.level == "ok" and (layout.scratch / "begun.lock").is_file():
        yield CheckResult(
            "last run", "warning", "was cut off: the workspace may hold files of two versions", "Run `tagpipe run`"
        )


def _check_stage_lock(layout: Layout) -> Iterator[CheckResult]:
    yield _check_lock("stage lock", layout.scratch / "stage.lock")


def _check_lock(check: str, path: Path) -> CheckResult:
    holder = read_holder(path)
    holder_text = holder.in_words if holder else "a process that is not named"
    if not is_locked(path):
        past = f"; last held by {holder_text}, which has ended" if holder is not None and not holder.is_alive else ""
        return CheckResult(check, "ok", f"free{past}")
    if holder is None or holder.is_alive:
        return CheckResult(check, "warning", f"held by {holder_text}", "Wait for it to end")
    what = f"{holder_text}, is dead, and what it started still holds it"
    return CheckResult(check, "warning", what, "Run `tagpipe run`: it waits for what a killed run left behind")


def _check_libraries(_layout: Layout) -> Iterator[CheckResult]:
    versions = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):  # Prefect and what it needs are an extra
            versions[name] = version(name)
    yield from judge_libraries(versions)


def _check_schedule(layout: Layout) -> Iterator[CheckResult]:
    """The results of `python -m flows.doctor`, because only flows import Prefect."""
    if not (layout.root / "flows" / "doctor.py").is_file():
        return
    command = [sys.executable, "-m", "flows.doctor", "--json"]
    done = run_program(command, layout.root, timeout_s=SCHEDULE_TIMEOUT_S)
    yield from (CheckResult(**result) for result in json.loads(done.stdout))


def _check_pins(layout: Layout) -> Iterator[CheckResult]:
    """Check that the store has the pinned bytes, which may be the only ones left if a url disappears."""
    check = "pinned store"
    for name, source in named_sources(read_params(layout.params_file).source):
        if source.sha256 is None:
            continue
        path = pinned_file(layout, source.sha256)
        if not path.is_file():
            what = f"lacks the bytes of source.{name}: a build needs data/raw of HEAD or its url for them"
            yield CheckResult(check, "warning", what, "Run `tagpipe run` while they can be had")
        elif find_pinned(layout, source.sha256) is None:
            what = f"has other bytes than the pin for source.{name}"
            yield CheckResult(
                check, "error", what, f"Delete {path.relative_to(layout.root)} and run `tagpipe run`", "integrity"
            )
        else:
            yield CheckResult(check, "ok", f"has the bytes of source.{name}")


def _check_disk(layout: Layout) -> Iterator[CheckResult]:
    places = {"in the repository": layout.root, "for temporary files": Path(tempfile.gettempdir())}
    for place, path in places.items():
        yield judge_disk(place, free_bytes=shutil.disk_usage(path).free)


_CHECKS: dict[str, Callable[[Layout], Iterator[CheckResult]]] = {
    "run lock": _check_run_lock,
    "stage lock": _check_stage_lock,
    "DVC's rwlock": check_rwlock,
    "DVC's lock": check_dvc_lock_file,
    "version": check_version,
    "DVC settings": check_dvc_settings,
    "remote": check_remote,
    "libraries": _check_libraries,
    "schedule": _check_schedule,
    "git": check_git,
    "data in git": check_ignored,
    "line endings": check_line_endings,
    "work trees": check_worktrees,
    "pinned store": _check_pins,
    "disk": _check_disk,
}

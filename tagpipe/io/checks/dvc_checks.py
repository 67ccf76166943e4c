"""The check-up of DVC: its locks, the version, its settings and remote."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tagpipe.checks.check_results import CheckResult
from tagpipe.io.checks.object_stores import describe_read_failure
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.lock import find_birth, is_locked
from tagpipe.io.runs.dvc_remote import read_dvc_config
from tagpipe.io.runs.dvc_rwlock import read_rwlock, rwlock_path
from tagpipe.io.runs.staleness import find_stale

REMOTE_TIMEOUT_S = 20.0


def check_rwlock(layout: Layout) -> Iterator[CheckResult]:
    """Check that DVC's record of readers and writers names no process, and that no kill has garbled it."""
    check = "DVC's rwlock"
    heal = "Run `tagpipe run`, which heals it, or delete .dvc/tmp/rwlock when no DVC is at work"
    path = rwlock_path(layout.root)
    holders = read_rwlock(path) if path.is_file() else []
    if holders is None:
        yield CheckResult(check, "error", "garbled: DVC refuses every command", heal, "integrity")
        return
    living = [pid for pid in holders if find_birth(pid) is not None]
    if living:
        yield CheckResult(check, "warning", f"held by process {', '.join(map(str, living))}", "Wait for it to end")
    elif holders:
        yield CheckResult(check, "warning", f"names dead holders only: {', '.join(map(str, holders))}", heal)
    else:
        yield CheckResult(check, "ok", "free")


def check_dvc_lock_file(layout: Layout) -> Iterator[CheckResult]:
    """Check that no DVC command is at work."""
    path = layout.root / ".dvc" / "tmp" / "lock"
    if is_locked(path):
        pid = path.read_text(encoding="utf-8", errors="replace").strip()
        yield CheckResult("DVC's lock", "warning", f"held by process {pid}", "Wait for it to end")
    else:
        yield CheckResult("DVC's lock", "ok", "free")


def check_version(layout: Layout) -> Iterator[CheckResult]:
    """Check that dvc.lock is up to date. Raises ConfigError if it is not what DVC writes."""
    path = layout.root / LOCK_FILE
    if not path.is_file():
        yield CheckResult(
            "version", "warning", "nothing has been built here: there is no dvc.lock", "Run `tagpipe run`"
        )
        return
    parse_lock(path.read_bytes())
    stale = find_stale(layout.root, None)
    if stale:
        what = f"dvc.lock is out of date: {'; '.join(stale[:3])}" + (f" and {len(stale) - 3} more" if stale[3:] else "")
        yield CheckResult("version", "warning", what, "Run `tagpipe run`, or `dvc checkout` if only files are missing")
    else:
        yield CheckResult("version", "ok", "dvc.lock is up to date")


def check_dvc_settings(layout: Layout) -> Iterator[CheckResult]:
    """Check that DVC starts no processes of its own, which crash without a network."""
    core = read_dvc_config(layout.root)["core"]
    loud = [name for name in ("analytics", "check_update") if core.get(name, True)]
    for name in loud:
        what = f"core.{name} is on: DVC starts a process of its own for it, which crashes where it cannot reach out"
        yield CheckResult("DVC settings", "warning", what, f"Run `dvc config core.{name} false` and commit .dvc/config")
    if not loud:
        yield CheckResult("DVC settings", "ok", "analytics and check_update are off")


def check_remote(layout: Layout) -> Iterator[CheckResult]:
    """Check that there is a default DVC remote, and that it answers."""
    name = read_dvc_config(layout.root)["core"].get("remote")
    if name is None:
        what = "there is no default one: the data is on this disk alone"
        yield CheckResult("remote", "warning", what, "Run `dvc remote add -d NAME URL`, then `dvc push`")
        return
    trouble = _ask_remote_in_time(layout)
    if trouble is not None:
        fix = "Check its address and your access (`dvc remote list`), or try again when it answers"
        yield CheckResult("remote", "error", f"{name} cannot be reached: {trouble}", fix)
    else:
        what = f"{name} answers; `tagpipe verify --deep` tells whether what it has is whole"
        yield CheckResult("remote", "ok", what)


def _ask_remote_in_time(layout: Layout) -> str | None:
    """The reason why the remote did not answer; None if it answers, with or without data."""
    answers: list[str | None] = []
    # A thread that nobody waits for at exit: a remote that hangs must not hang the check-up.
    thread = threading.Thread(target=lambda: answers.append(_ask_remote(layout)), daemon=True)
    thread.start()
    thread.join(REMOTE_TIMEOUT_S)
    return answers[0] if answers else f"no answer within {REMOTE_TIMEOUT_S:.0f} seconds"


def _ask_remote(layout: Layout) -> str | None:
    from dvc.repo import Repo

    try:
        with Repo(str(layout.root)) as repo:
            odb = repo.cloud.get_remote_odb()
            if odb.fs.protocol == "local":
                remote = repo.cloud.get_remote().path
                return None if odb.fs.isdir(remote) else f"{remote} is not there (`dvc push` makes it)"
            odb.fs.info(odb.oid_to_path("d41d8cd98f00b204e9800998ecf8427e"))  # of no bytes: any answer will do
    except Exception as error:  # noqa: BLE001 - each kind of remote raises its own library's errors
        return describe_read_failure(error)
    return None

"""`dvc repro` as people and flows need it: locked, streamed, healed, and undone where a stage fails."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, Literal

from tagpipe.errors import Busy, ConfigError, StageDefect, from_dict
from tagpipe.io.repository.curation_files import write_missing_lists
from tagpipe.io.repository.disk import disk_full, says_disk_full
from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.io.repository.layout import CODE_FILE, PARAMS_FILE, Layout, code_version
from tagpipe.io.repository.lock import HeldLock, find_birth, hold_run_lock, hold_stage_lock
from tagpipe.io.repository.run_stage import LAST_ERROR
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.io.repository.yaml_file import parse_yaml, read_params, read_yaml
from tagpipe.io.runs.edit_journal import finish_edit

Status = Literal["ran", "cached", "skipped"]
Echo = Callable[[str], None]

LOCK_FILE = "dvc.lock"
_PATTERNS: tuple[tuple[re.Pattern[str], Status], ...] = (
    (re.compile(r"^Running stage '(?P<stage>[^']+)'"), "ran"),
    (re.compile(r"^Stage '(?P<stage>[^']+)' is cached"), "cached"),
    (re.compile(r"^Stage '(?P<stage>[^']+)' didn't change"), "skipped"),
)
_BLOCKER = "  (PID "
"""How DVC begins a line, below its error, that names the process it is blocked by."""

# What DVC says that its users need and those of `tagpipe run` do not.
_NOISE = re.compile(
    r"^(\s*$|> |Updating lock file|Generating lock file|To track the changes|To enable auto staging|Use `dvc push`"
    r"|If there are no processes with such PIDs"
    r"|\s+git add|\s+dvc config|Data and pipelines are up to date|WARNING: '.*' is empty|Verifying data sources)"
)


@dataclass(frozen=True)
class StageRun:
    """What DVC did for one stage."""

    stage: str
    status: Status


def reproduce(layout: Layout, stage: str | None, *, echo: Echo) -> list[StageRun]:
    """Bring `stage` and what it needs (or all stages) up to date, under the project's lock.

    An edit of the vocabulary that a kill left half written is finished first.

    echo: called with each line for people. Raises the failing stage's own error; before that, outputs and reports
    of the last good version are put back, as they are where Ctrl-C ends the run. Raises Busy where another run is at
    work.
    """
    if stage is not None and stage not in layout.stages:
        raise ConfigError(
            f"there is no stage {json.dumps(stage)}", field="STAGE", expected=" or ".join(layout.stages), fix="Name one"
        )
    read_params(layout.params_file)  # before DVC, whose words for a broken one help nobody, deletes anything
    _check_sections(layout)
    with hold_run_lock(layout.scratch, command=f"tagpipe run {stage or ''}".strip()) as lock:
        if (killed := finish_edit(layout.scratch)) is not None:
            echo(killed.in_words)
        with hold_stage_lock(layout.scratch, stage="none: a run is about to begin"):
            pass  # a stage that outlived its killed run has ended now
        (layout.scratch / LAST_ERROR).unlink(missing_ok=True)
        _heal_dvc_lock(layout.root)
        before = _remember(layout)
        write_code_version(layout)
        for path in write_missing_lists(layout):
            echo(f"{path} was missing: an empty one is written, which says the same")
        try:
            runs, exit_code, complaint = _run_dvc(layout, stage, lock, echo)
        except KeyboardInterrupt:
            # A second Ctrl-C leaves what is said here undone; the next run then knows of it as after a kill.
            echo("interrupted: putting the last good version back")
            _put_back(layout, before, lock, echo)
            forget_begun(layout)
            raise
        if exit_code != 0:
            if any(each.status != "skipped" for each in runs):
                _put_back(layout, before, lock, echo)
            forget_begun(layout)
            raise _explain(layout, exit_code, complaint)
        if not lock.is_inherited:  # else stages are run one by one, and all of them make the version
            _remember_reports(layout, only_these=True)
            forget_begun(layout)
        return runs


def _check_sections(layout: Layout) -> None:
    """Raise ConfigError for a section that a stage reads and an older params.yaml does not have: DVC looks for it."""
    present = read_yaml(layout.params_file)
    for stage, tree in layout.stages.items():
        for section in tree.get("params", ()):
            if isinstance(section, str) and section not in present:
                raise ConfigError(
                    f"has no such section, which the stage {stage} reads",
                    file=PARAMS_FILE,
                    field=section,
                    fix="Copy it from the params.yaml that `tagpipe init` writes, or take the stage out of dvc.yaml",
                )


def write_code_version(layout: Layout) -> None:
    """In a project made by `tagpipe init`, note the installed tagpipe in the file that its stages depend on.

    DVC cannot see into an installed package; this file makes an upgrade a change of every stage.
    """
    path = layout.root / CODE_FILE
    uses_it = any(CODE_FILE in stage.get("deps", ()) for stage in layout.stages.values())
    if uses_it and (not path.is_file() or path.read_text(encoding="utf-8") != code_version()):
        write_bytes(path, code_version().encode("utf-8"))


def _run_dvc(layout: Layout, stage: str | None, lock: HeldLock, echo: Echo) -> tuple[list[StageRun], int, list[str]]:
    """(what DVC did, its exit code, its own error lines)."""
    runs: list[StageRun] = []
    complaint: list[str] = []
    process = _start_dvc(layout, ["repro", *([stage] if stage else [])], lock)
    with contextlib.closing(_iter_lines(process)) as lines:
        for line in lines:
            matches = ((pattern.match(line), status) for pattern, status in _PATTERNS)
            found = next(((match, status) for match, status in matches if match), None)
            if found:
                runs.append(StageRun(found[0]["stage"], found[1]))
                if found[1] != "ran":
                    echo(f"{found[0]['stage']}: {'nothing changed' if found[1] == 'skipped' else 'from the run cache'}")
            elif line.startswith(("ERROR: ", _BLOCKER)):
                complaint.append(without_secrets(line.removeprefix("ERROR: ").strip()))
            elif not _NOISE.match(line):
                echo(without_secrets(line))
    return runs, process.wait(), complaint


def _start_dvc(layout: Layout, arguments: list[str], lock: HeldLock) -> subprocess.Popen[str]:
    """DVC with the running Python's folder first on PATH (stages are `python -m ...`), holding the lock with us."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=layout.root,
        env={**os.environ, **lock.environment, "PATH": path, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=(lock.fd,),
    )


def _iter_lines(process: subprocess.Popen[str]) -> Generator[str]:
    """Every line that DVC and its stages say; closed early, it waits for their end, which is the pipe's end."""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield line.rstrip("\n")
    finally:
        for _ in process.stdout:
            pass
        process.stdout.close()
        process.wait()


def _explain(layout: Layout, exit_code: int, complaint: list[str]) -> Exception:
    """The error behind a failed `dvc repro`: the stage's own, DVC's, or a kill or defect whose traceback was shown."""
    path = layout.scratch / LAST_ERROR
    if path.is_file():
        return from_dict(json.loads(read_bytes(path))["error"])
    if full := [line for line in complaint if says_disk_full(line)]:
        return disk_full(full[-1], file="DVC's cache or the work tree")
    text = "; ".join(complaint) or f"dvc repro ended with exit code {exit_code}"
    if exit_code < 0 or ("failed to reproduce" in text and "failed to run" in text):
        return StageDefect(text)
    if "blocked by" in text or "Unable to acquire lock" in text:
        holders = [line for line in complaint if line.startswith(_BLOCKER.strip())]
        return Busy(
            "another DVC command is at work in this project",
            found=", ".join(dict.fromkeys(holders)) or text,
            fix="Wait for it to end and run the command again",
        )
    return ConfigError(f"DVC cannot build: {text}", file="dvc.yaml", fix="Correct what it names")


def _heal_dvc_lock(root: Path) -> None:
    """Remove DVC's own lock file where a kill has left it garbled, or naming dead holders only.

    DVC 3.67 refuses every command over a garbled one (seen once in 56 kills), and takes a zombie for a living holder.
    Called under our lock, so no other run is writing it.
    """
    path = root / ".dvc" / "tmp" / "rwlock"
    if path.is_file() and all(find_birth(pid) is None for pid in read_lock_holders(path)):
        path.unlink(missing_ok=True)


def read_lock_holders(path: Path) -> list[int]:
    """PIDs in DVC's lock file; none where it is garbled."""
    try:
        tree = json.loads(path.read_bytes())
        readers = [each for holders in tree.get("read", {}).values() for each in holders]
        return [int(holder["pid"]) for holder in (*tree.get("write", {}).values(), *readers)]
    except (ValueError, AttributeError, TypeError, KeyError):
        return []


# --- the last good version ------------------------------------------------------------------------------------------
# DVC deletes a stage's outputs before it runs it, reports too. Outputs come back from DVC's cache; reports are kept by
# their md5 (the name that dvc.lock has for them) in .tagpipe/reports, or come from git. The lock file as it was when
# the run began stands in .tagpipe/begun.lock, so that a run after a killed one still knows the last good version. What
# was done since (a plain `dvc repro`, `git checkout`) makes dvc.lock whole again, and then begun.lock is out of date.


def _remember(layout: Layout) -> bytes | None:
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
    _remember_reports(layout)
    return before


def _write_lock(layout: Layout, data: bytes) -> None:
    """Put a dvc.lock back as it was; empty: there was none."""
    if data:
        write_bytes(layout.root / LOCK_FILE, data)
    else:
        (layout.root / LOCK_FILE).unlink()


def _is_cut_off(data: bytes) -> bool:
    """Whether a kill came while DVC was writing this dvc.lock, which DVC 3.67 does in place (met by `make soak`)."""
    if _find_conflict(data) is not None:
        return False  # that was git, and only a person can resolve it
    try:
        parse_lock(data)
    except ConfigError:
        return True
    return not data.endswith(b"\n")


def _find_conflict(data: bytes) -> int | None:
    """The line of the first conflict marker."""
    lines = enumerate(data.splitlines(), 1)
    return next((number for number, line in lines if line.startswith(b"<<<<<<< ")), None)


def parse_lock(data: bytes) -> dict[str, dict[str, Any]]:
    """The stages of a dvc.lock. Raises ConfigError naming the line, for DVC's own words name neither way out."""
    line = _find_conflict(data)
    if line is not None:
        raise _lock_error(f"has an unresolved merge conflict (line {line})")
    try:
        tree = parse_yaml(data, file=LOCK_FILE)
    except ConfigError as error:
        raise _lock_error(error.what) from None
    stages = tree.get("stages", {}) if isinstance(tree, dict) and "schema" in tree else None
    if not isinstance(stages, dict) or not all(_is_stage(stage) for stage in stages.values()):
        raise _lock_error("is not what DVC writes")
    return stages


def _is_stage(stage: object) -> bool:
    if not isinstance(stage, dict) or "cmd" not in stage:
        return False
    files = (stage.get("deps", []), stage.get("outs", []))
    return all(isinstance(each, list) for each in files) and all(
        isinstance(file, dict) and "path" in file for each in files for file in each
    )


def _lock_error(what: str) -> ConfigError:
    fix = "`git checkout dvc.lock` or resolve the conflict, then `tagpipe run`"
    return ConfigError(what, file=LOCK_FILE, fix=fix)


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


def _remember_reports(layout: Layout, *, only_these: bool = False) -> None:
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


def _put_back(layout: Layout, before: bytes | None, lock: HeldLock, echo: Echo) -> None:
    """Outputs and reports of the version that `before` (a dvc.lock) describes."""
    if before is None:
        return
    write_bytes(layout.root / LOCK_FILE, before)
    process = _start_dvc(layout, ["checkout", "--force", "--quiet"], lock)
    # Of stages that have never run there is nothing to put back; DVC counts that as a failure without a word.
    said = [line.removeprefix("ERROR: ") for line in _iter_lines(process) if line.startswith("ERROR: ")]
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
        data = _read_in_head(layout.root, path)
    if data is None or not is_it(data):
        return False
    write_bytes(present, data)
    return True


def _read_in_head(root: Path, path: str) -> bytes | None:
    """A file as the last commit has it; None where there is none, or no git to ask."""
    try:
        found = subprocess.run(
            ["git", "show", f"HEAD:./{path}"], cwd=root, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    except OSError:
        return None
    return found.stdout if found.returncode == 0 else None

"""`dvc repro` as people and flows need it: locked, streamed, healed, and undone where a stage fails."""

from __future__ import annotations

import json
import re

from tagpipe.errors import Busy, ConfigError, StageDefect
from tagpipe.io.repository.curation_files import write_missing_lists
from tagpipe.io.repository.files import remove_file, write_bytes
from tagpipe.io.repository.ignore_files import write_ignore_files
from tagpipe.io.repository.layout import CODE_FILE, PARAMS_FILE, Layout, code_version
from tagpipe.io.repository.leftovers import remove_leftovers_of_outputs
from tagpipe.io.repository.lock import HeldLock, hold_run_lock, hold_stage_lock
from tagpipe.io.repository.programs import disk_full, says_disk_full
from tagpipe.io.repository.run_stage import LAST_ERROR, read_last_error
from tagpipe.io.repository.yaml_file import read_params, read_yaml
from tagpipe.io.runs.dvc_rwlock import heal_rwlock
from tagpipe.io.runs.edit_log import finish_killed_edits
from tagpipe.io.runs.last_good import forget_begun, put_back, remember_last_good, remember_reports
from tagpipe.io.runs.run_cache import remove_unreadable_runs
from tagpipe.io.runs.run_dvc import BLOCKED_BY, Echo, StageRun, run_dvc


def reproduce(layout: Layout, stage: str | None, *, echo: Echo) -> list[StageRun]:
    """Bring `stage` and what it needs (or all stages) up to date under the run lock, and return what DVC did.

    An edit of the vocabulary that a kill left half written is finished first. If a stage fails, or Ctrl-C ends the
    run, outputs and reports of the last good version are put back.

    echo: called with each line for people. Raises the failing stage's own error, or Busy if another run is at work.
    """
    if stage is not None and stage not in layout.stages:
        raise ConfigError(
            f"there is no stage {json.dumps(stage)}", field="STAGE", expected=" or ".join(layout.stages), fix="Name one"
        )
    read_params(layout.params_file)  # now: DVC deletes outputs first, and its message for a broken file is of no help
    _check_sections(layout)
    with hold_run_lock(layout.scratch, command=f"tagpipe run {stage or ''}".strip()) as lock:
        finish_killed_edits(layout, echo=echo)
        with hold_stage_lock(layout.scratch, stage="none: a run is about to begin"):
            pass  # a stage that outlived its killed run has ended now
        remove_leftovers_of_outputs(layout)
        remove_file(layout.scratch / LAST_ERROR)
        heal_rwlock(layout.root)
        before = remember_last_good(layout)
        write_code_version(layout)
        write_ignore_files(layout)
        for path in write_missing_lists(layout):
            echo(f"{path} was missing: an empty one is written, which says the same")
        try:
            runs, exit_code, errors = _run_dvc(layout, stage, lock, echo)
        except KeyboardInterrupt:
            # A second Ctrl-C may end this, too; the next run then finds what it would find after a kill.
            echo("interrupted: putting the last good version back")
            put_back(layout, before, lock, echo)
            forget_begun(layout)
            raise
        if exit_code != 0:
            if any(run.status != "skipped" for run in runs):
                put_back(layout, before, lock, echo)
            forget_begun(layout)
            raise _make_error(layout, exit_code, errors)
        if not lock.is_inherited:  # else a flow runs the stages one by one, and only all of them make a version
            remember_reports(layout, only_these=True)
            forget_begun(layout)
        return runs


def _run_dvc(layout: Layout, stage: str | None, lock: HeldLock, echo: Echo) -> tuple[list[StageRun], int, list[str]]:
    """As `run_dvc`; where DVC cannot use what its run cache has, once more without it."""
    runs, exit_code, errors = run_dvc(layout, stage, lock, echo)
    if exit_code <= 0 or read_last_error(layout.scratch) is not None or any(map(says_disk_full, errors)):
        return runs, exit_code, errors
    cached = [run for run in runs if run.status == "cached"]
    done = [run for run in runs if run not in cached[-1:]]  # the last one may be what failed
    was_last = bool(cached) and runs[-1] is cached[-1]
    if not remove_unreadable_runs(layout.root) and not was_last:
        return runs, exit_code, errors
    echo("what DVC's run cache has cannot be used: the stages run")
    more, exit_code, errors = run_dvc(layout, stage, lock, echo, with_run_cache=False)
    return [*done, *(run for run in more if run.stage not in {each.stage for each in done})], exit_code, errors


def _check_sections(layout: Layout) -> None:
    """Raise ConfigError if params.yaml, say an older one, lacks a section that a stage reads."""
    present = read_yaml(layout.params_file)
    for name, stage in layout.stages.items():
        for section in stage.sections:
            if section not in present:
                raise ConfigError(
                    f"has no such section, which the stage {name} reads",
                    file=PARAMS_FILE,
                    field=section,
                    fix="Copy it from the params.yaml that `tagpipe init` writes, or take the stage out of dvc.yaml",
                )


def write_code_version(layout: Layout) -> None:
    """Write CODE_FILE in a repository made by `tagpipe init`, unless it names the installed tagpipe.

    DVC does not look into an installed package; through this file an upgrade changes every stage.
    """
    path = layout.root / CODE_FILE
    uses_it = any(CODE_FILE in stage.deps for stage in layout.stages.values())
    if uses_it and (not path.is_file() or path.read_text(encoding="utf-8") != code_version()):
        write_bytes(path, code_version().encode("utf-8"))


def _make_error(layout: Layout, exit_code: int, errors: list[str]) -> Exception:
    """The error behind a failed `dvc repro`: the stage's own, DVC's, or StageDefect for a stage that died."""
    if (failure := read_last_error(layout.scratch)) is not None:
        return failure[1]
    if full := [line for line in errors if says_disk_full(line)]:
        return disk_full(full[-1], file="DVC's cache or the work tree")
    text = "; ".join(errors) or f"dvc repro ended with exit code {exit_code}"
    if exit_code < 0 or ("failed to reproduce" in text and "failed to run" in text):
        return StageDefect(text)
    if "blocked by" in text or "Unable to acquire lock" in text:
        holders = [line for line in errors if line.startswith(BLOCKED_BY.strip())]
        return Busy(
            "another DVC command is at work in this dataset repository",
            found=", ".join(dict.fromkeys(holders)) or text,
            fix="Wait for it to end and run the command again",
        )
    if tracked := re.search(r"output '([^']+)' is already tracked by SCM", text):
        fix = f"Run `git rm -r --cached {tracked[1]}` and commit; `tagpipe doctor` names all of them"
        return ConfigError("git has it, and it is DVC's", file=tracked[1], fix=fix)
    fix = "Correct what it names; `tagpipe doctor` says how to mend what it knows"
    return ConfigError(f"DVC cannot build: {text}", file="dvc.yaml", fix=fix)

"""The paths that make a dataset version: what it is built from, and the tables that a commit's dvc.lock names."""

from __future__ import annotations

from tagpipe.io.git.commits import read_blob
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.layout import DVC_FILE, PARAMS_FILE, Layout
from tagpipe.io.repository.programs import ask_git


def is_current(layout: Layout, candidate: str, base: str) -> bool:
    """True if a candidate was built on what `base` is built from, and on the dvc.lock that says what it is."""
    outs = {path for stage in layout.stages.values() for path, _ in stage.outs}
    deps = {path for stage in layout.stages.values() for path in stage.deps}
    inputs = [PARAMS_FILE, DVC_FILE, LOCK_FILE, *sorted(deps - outs)]
    return ask_git(layout.root, "diff", "--quiet", "--no-ext-diff", f"{candidate}^", base, "--", *inputs) is not None


def read_tables(layout: Layout, commit: str) -> dict[str, str] | None:
    """Path -> md5 of every table that a commit's dvc.lock names; None if it has no dvc.lock."""
    lock = read_blob(layout.root, commit, LOCK_FILE)
    if lock is None:
        return None
    # Neither the received bytes nor what names them (the manifest) or their rows (the rejected ones): rows that were
    # received in another order give the same version.
    tables = {
        path
        for name, stage in layout.stages.items()
        for path, is_cached in stage.outs
        if is_cached and name != "fetch" and not path.endswith(("/manifest.json", "/rejected.jsonl"))
    }
    outs = (out for stage in parse_lock(lock).stages.values() for out in stage.outs)
    return {out.path: str(out.md5) for out in outs if out.path in tables}

"""Differences between dvc.lock and the files that it describes: a stale version is never compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tagpipe.errors import InputError, escape_shown
from tagpipe.io.repository.layout import DVC_FILE
from tagpipe.io.repository.revisions import open_revision


def find_stale(root: Path, revision: str | None) -> list[str]:
    """The disagreements with dvc.lock, as `STAGE: PATH is modified`; empty if the version is whole.

    revision: None for the workspace, where outputs must be present (in DVC's cache or not). At a revision they
    are not looked for: reading them fails if neither DVC's cache nor its remote has them. Raises InputError if there is
    no such revision.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        if revision is None:
            with Repo(str(root)) as repo:
                return list(_iter_stale(repo, DVC_FILE, harmless=("not in cache",)))
        files, folder = open_revision(str(root), revision)
        path = DVC_FILE if folder in ("", ".") else f"{folder}/{DVC_FILE}"
        return list(_iter_stale(files.repo, path, harmless=("not in cache", "deleted")))
    except DvcException as error:
        raise InputError(
            f"DVC cannot read the version: {escape_shown(str(error).splitlines()[0] if str(error) else 'no word')}",
            file=f"revision {revision[:12]}" if revision else str(root),
            fix="Resolve dvc.lock (`git checkout dvc.lock`, or build with `tagpipe run`) and commit it",
        ) from None


def find_changed_dependencies(root: Path, paths: Collection[str]) -> set[str]:
    """Those of `paths`, dependencies in the dvc.lock at `root`, that are no longer as it records them.

    A path that is gone, or that no stage depends on any more, has changed, too; all have if DVC cannot read the
    stages. DVC hashes them, because a dependency may be a folder.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            deps = [(_path_of(repo, dep.fspath), dep) for stage in repo.index.stages for dep in stage.deps]
            changed = {path for path, dep in deps if path in paths and (not dep.exists or dep.changed_checksum())}
    except DvcException:
        return set(paths)
    return changed | (set(paths) - {path for path, _ in deps})


def _iter_stale(repo: Any, dvc_file: str, *, harmless: tuple[str, ...]) -> Iterator[str]:
    """harmless: DVC's states in which an output that the lock describes is not stale."""
    stages = [stage for stage in repo.index.stages if _path_of(repo, stage.path) == dvc_file]
    recorded = {out.fspath: out.hash_info.value for stage in stages for out in stage.outs}
    for stage in stages:
        if stage.changed_stage():
            yield f"{stage.name}: its command differs"
        for entry in (*stage.deps, *stage.outs):
            # DVC compares each file with the disk; this compares what a stage read with what another one wrote.
            if entry.fspath in recorded and entry.hash_info.value != recorded[entry.fspath]:
                yield f"{stage.name}: {_path_of(repo, entry.fspath)} is not the one that was built"
                continue
            ignored = harmless if entry.fspath in recorded and entry.hash_info.value is not None else ()
            yield from (f"{stage.name}: {difference}" for difference in _describe(repo, entry, ignored))


def _describe(repo: Any, entry: Any, ignored: tuple[str, ...]) -> Iterator[str]:
    for name, state in entry.status().items():
        if isinstance(state, str) and state in ignored:
            continue
        if isinstance(state, dict):  # parameters: file -> name -> state
            yield from (f"parameter {parameter} is {change}" for parameter, change in state.items())
        else:
            yield f"{_path_of(repo, entry.fspath) if entry.protocol == 'local' else name} is {state}"


def _path_of(repo: Any, path: str) -> str:
    """`path` relative to the repository's root."""
    return str(repo.fs.relpath(path, repo.root_dir)) if str(path).startswith("/") else str(path)

"""A revision whose data is nowhere, built again from its pinned sources by its own code, in a work tree of its own."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tagpipe.errors import KINDS, InputError, TagpipeError, escape_shown, from_dict
from tagpipe.io.git.worktree import temporary_worktree
from tagpipe.io.repository.files import read_json
from tagpipe.io.repository.layout import SCRATCH
from tagpipe.io.repository.lock import ENVIRONMENT
from tagpipe.io.repository.programs import run_program
from tagpipe.io.repository.run_stage import LAST_ERROR
from tagpipe.io.repository.secrets import without_tokens
from tagpipe.io.runs.run_dvc import StageRun


@contextmanager
def shared_worktree(root: Path, commit: str, *, prefix: str = "tagpipe-", has_cache: bool = True) -> Iterator[Path]:
    """The project at `commit` in a work tree that shares its DVC remotes, cache and pinned downloads.

    has_cache: else DVC's cache there is empty, as in a fresh clone.
    """
    with ExitStack() as behind, temporary_worktree(root, commit, prefix=prefix) as tree:
        # Behind the work tree: it goes when nobody is at work in it any more.
        behind.callback(shutil.rmtree, _share_dvc(root, tree, has_cache=has_cache), ignore_errors=True)
        pinned = root / SCRATCH / "pinned"
        if pinned.is_dir():
            _copy_files(pinned, tree / SCRATCH / "pinned")
        yield tree


def _copy_files(folder: Path, to: Path) -> None:
    """The files of a folder. `shutil.copytree` would tell of a full disk once a file, and without its number."""
    to.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        shutil.copy2(path, to)


@contextmanager
def rebuilt_revision(root: Path, commit: str) -> Iterator[Path]:
    """The project at `commit`, built; its folder is gone at the end. Raises InputError if it cannot be built."""
    with shared_worktree(root, commit) as tree:
        try:
            run_there(tree)
        except TagpipeError as error:
            raise InputError(
                f"cannot be rebuilt (exit code {error.exit_code})",
                found=escape_shown(error.what),
                file=f"revision {commit[:12]}",
                fix="Check that revision out and run `tagpipe run` there to see all of it, or `dvc pull` its data",
            ) from None
        yield tree


def _share_dvc(root: Path, tree: Path, *, has_cache: bool) -> Path:
    """The project's cache and remotes, with absolute paths, in the work tree's local DVC configuration.

    The folder of indexes that DVC 3.67 makes for every repository outside of it (/var/tmp/dvc) and never removes.
    """
    from dvc.repo import Repo

    with Repo(str(root)) as repo, Repo(str(tree)) as there:
        remotes: dict[str, Any] = {name: dict(options) for name, options in repo.config["remote"].items()}
        with there.config.edit("local") as config:
            if has_cache:
                config["cache"] = {"dir": repo.cache.local_cache_dir}
            config["remote"] = remotes
            if default := repo.config["core"].get("remote"):
                config["core"] = {"remote": default}
        return Path(there.site_cache_dir)


_KIND_OF = {kind.exit_code: kind for kind in KINDS.values() if kind.__base__ is TagpipeError}


def run_there(tree: Path) -> tuple[StageRun, ...]:
    """`tagpipe run` in a work tree, by its own code where it has some; what DVC did there, in the order of its stages.

    Raises the failing stage's own error.
    """
    # `python -m` takes the work tree's own tagpipe, where it has one; elsewhere it is the installed one.
    environment = {name: value for name, value in without_tokens().items() if name != ENVIRONMENT}
    done = run_program([sys.executable, "-m", "tagpipe", "run", "--json"], tree, environment=environment)
    if done.returncode == 0:
        return tuple(StageRun(stage["stage"], stage["status"]) for stage in json.loads(done.stdout)["stages"])
    last_error = tree / SCRATCH / LAST_ERROR
    if last_error.is_file():
        raise from_dict(read_json(last_error)["error"])
    said = [line for line in done.stderr.decode("utf-8", "replace").strip().splitlines() if line.strip()] or ["no word"]
    kind = _KIND_OF.get(done.returncode, InputError)
    raise kind(f"the run there ended with exit code {done.returncode}: {said[-1].removeprefix('error: ').rstrip('.')}")

"""A revision whose data is nowhere, built again from its pinned sources by its own code, in a work tree of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tagpipe.errors import InputError, escape_shown
from tagpipe.io.files import read_json
from tagpipe.io.git import temporary_worktree
from tagpipe.io.layout import SCRATCH
from tagpipe.io.lock import ENVIRONMENT
from tagpipe.io.stage_run import LAST_ERROR


@contextmanager
def rebuilt_revision(root: Path, commit: str) -> Iterator[Path]:
    """The project at `commit`, built; its folder is gone at the end.

    It shares the project's DVC cache, remotes and pinned downloads. Raises InputError if it cannot be built.
    """
    with temporary_worktree(root, commit) as tree:
        _share_dvc(root, tree)
        pinned = root / SCRATCH / "pinned"
        if pinned.is_dir():
            shutil.copytree(pinned, tree / SCRATCH / "pinned")
        _run(tree, commit)
        yield tree


def _share_dvc(root: Path, tree: Path) -> None:
    """The project's cache and remotes, with absolute paths, in the work tree's local DVC configuration."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo, Repo(str(tree)) as there:
        remotes: dict[str, Any] = {name: dict(options) for name, options in repo.config["remote"].items()}
        with there.config.edit("local") as config:
            config["cache"] = {"dir": repo.cache.local_cache_dir}
            config["remote"] = remotes
            if default := repo.config["core"].get("remote"):
                config["core"] = {"remote": default}


def _run(tree: Path, commit: str) -> None:
    # `python -m` takes the work tree's own tagpipe, where it has one; elsewhere it is the installed one.
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, "-m", "tagpipe", "run", "--json"],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == 0:
        return
    last_error = tree / SCRATCH / LAST_ERROR
    said = done.stderr.strip().splitlines()
    why = read_json(last_error)["error"]["what"] if last_error.is_file() else (said[-1] if said else "no word")
    raise InputError(
        f"cannot be rebuilt (exit code {done.returncode})",
        found=escape_shown(why.removeprefix("error: ")),
        file=f"revision {commit[:12]}",
        fix="Check that revision out and run `tagpipe run` there to see all of it, or `dvc pull` its data",
    )

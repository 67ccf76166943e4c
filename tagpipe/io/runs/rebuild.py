"""Build a version whose data is gone again, from its pinned sources and by its own code, in a work tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tagpipe.errors import KINDS, InputError, TagpipeError
from tagpipe.io.git.worktree import temporary_worktree
from tagpipe.io.repository.layout import SCRATCH
from tagpipe.io.repository.lock import ENVIRONMENT
from tagpipe.io.repository.programs import run_program
from tagpipe.io.repository.run_stage import read_last_error
from tagpipe.io.repository.secrets import without_tokens
from tagpipe.io.runs.run_dvc import StageRun


@contextmanager
def shared_worktree(root: Path, commit: str, *, prefix: str = "tagpipe-", has_cache: bool = True) -> Iterator[Path]:
    """The dataset repository at `commit` in a work tree that shares its DVC remotes, cache and pinned downloads.

    has_cache: False leaves DVC's cache there empty, as in a fresh clone.
    """
    with ExitStack() as cleanup, temporary_worktree(root, commit, prefix=prefix) as tree:
        # Runs after the work tree is removed, when no process works in it any more.
        cleanup.callback(shutil.rmtree, _share_dvc(root, tree, has_cache=has_cache), ignore_errors=True)
        pinned = root / SCRATCH / "pinned"
        if pinned.is_dir():
            (tree / SCRATCH / "pinned").mkdir(parents=True, exist_ok=True)
            for path in pinned.iterdir():  # shutil.copytree would report a full disk once a file, without its errno
                shutil.copy2(path, tree / SCRATCH / "pinned")
        yield tree


_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|CI|VIRTUAL_ENV|PYTHON[A-Z]+|XDG_[A-Z_]+"
    r"|DVC_(NO_ANALYTICS|(SITE_CACHE|GLOBAL_CONFIG|SYSTEM_CONFIG)_DIR)|GIT_CONFIG_(GLOBAL|NOSYSTEM|SYSTEM)"
    r"|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(?i:no_proxy)"
)
"""Variables that code of another revision gets: none of them is where people keep secrets."""


def run_foreign_code(tree: Path) -> None:
    """Run `tagpipe run` in a work tree whose code is another than this one's, without the secrets of this process.

    It gets neither DVC's remotes as they are configured here, with their credentials, nor the cache; what HOME has, it
    can read. Raises as `run_in_worktree` does.
    """
    (tree / ".dvc" / "config.local").unlink(missing_ok=True)
    run_in_worktree(tree, {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)})


def _share_dvc(root: Path, tree: Path, *, has_cache: bool) -> Path:
    """Write the cache and remotes, with absolute paths, to the work tree's local DVC configuration.

    Returns the folder of indexes that DVC 3.67 makes for the work tree outside of it (/var/tmp/dvc), and never removes.
    """
    from dvc.repo import Repo

    with Repo(str(root)) as repo, Repo(str(tree)) as tree_repo:
        remotes: dict[str, Any] = {name: dict(options) for name, options in repo.config["remote"].items()}
        with tree_repo.config.edit("local") as config:
            if has_cache:
                config["cache"] = {"dir": repo.cache.local_cache_dir}
            config["remote"] = remotes
            if default := repo.config["core"].get("remote"):
                config["core"] = {"remote": default}
        return Path(tree_repo.site_cache_dir)


_KIND_OF = {kind.exit_code: kind for kind in KINDS.values() if kind.__base__ is TagpipeError}


def run_in_worktree(tree: Path, environment: Mapping[str, str] | None = None) -> tuple[StageRun, ...]:
    """Run `tagpipe run` in a work tree; returns what DVC did for each stage. Raises the failing stage's own error.

    environment: None for that of this process without its tokens.
    """
    # `python -m` takes the work tree's own tagpipe if it has one, else the installed one.
    surroundings = without_tokens() if environment is None else environment
    environment = {name: value for name, value in surroundings.items() if name != ENVIRONMENT}
    done = run_program([sys.executable, "-m", "tagpipe", "run", "--json"], tree, environment=environment)
    if done.returncode == 0:
        return tuple(StageRun(stage["stage"], stage["status"]) for stage in json.loads(done.stdout)["stages"])
    if (failure := read_last_error(tree / SCRATCH)) is not None:
        raise failure[1]
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()] or ["no word"]
    kind = _KIND_OF.get(done.returncode, InputError)
    reason = lines[-1].removeprefix("error: ").rstrip(".")
    raise kind(f"the run there ended with exit code {done.returncode}: {reason}")

"""Files of a dataset project at a git revision: from git, or through DVC from its cache or remote."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from tagpipe.errors import ConfigError, InputError, SourceUnavailable, escape_shown
from tagpipe.io.repository.programs import GitFailed, call_git
from tagpipe.io.repository.secrets import without_secrets

_ADDRESS = re.compile(r"\w[\w+.-]*://|[^/:]+@[^/:]+:")
"""How the address of a repository begins, `https://...` or `git@host:...`; anything else is a folder."""


@lru_cache(maxsize=8)
def _open_commit(repo: str, revision: str | None) -> Any:
    """DVC's file system of a repository (a folder or a git address); one for each is kept open."""
    from dvc.api import DVCFileSystem

    return DVCFileSystem(repo, rev=revision, subrepos=True, config=_read_remotes(repo))


def _read_remotes(repo: str) -> dict[str, Any]:
    """The remotes that a folder has now: a version may be older than the remote that its data has been pushed to.

    DVC 3.67 adds them to the revision's own configuration by itself, but not which of them is the default.
    """
    from dvc.config import Config

    if not (Path(repo) / ".dvc").is_dir():
        return {}
    config = Config(dvc_dir=str(Path(repo) / ".dvc"))
    default = config["core"].get("remote")
    return {"remote": dict(config["remote"]), "core": {"remote": default}} if default else {}


def open_revision(root: str, revision: str | None) -> tuple[Any, str]:
    """(DVC's file system, folder of the project in it) of `root` (a folder or a git address) at `revision`.

    A local revision is resolved to its commit each time, for branches move. Raises ConfigError (no such folder),
    SourceUnavailable (no repository at the address now) and InputError (no such revision).
    """
    from dvc.exceptions import DvcException

    if _ADDRESS.match(root):
        return _open_address(root, revision), ""
    if not Path(root).is_dir():
        raise ConfigError("is not a folder", file=root, fix="Name a project's folder, or the address of its repository")
    try:
        folder = Path(root)
        top = call_git(folder, "rev-parse", "--show-toplevel")
        commit = call_git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision or 'HEAD'}^{{commit}}")
        return _open_commit(top, commit), folder.resolve().relative_to(Path(top).resolve()).as_posix()
    except (DvcException, GitFailed, OSError, ValueError) as error:
        raise _not_opened(root, revision, str(error)) from None


def _open_address(address: str, revision: str | None) -> Any:
    from dvc.exceptions import DvcException
    from dvc.scm import RevError
    from scmrepo.exceptions import SCMError

    try:
        # DVC 3.67 clones an address once, at the revision first asked for, and HEAD of that clone is then that one.
        asked = re.sub(r"^(HEAD|@)(?=[~^]|$)", "refs/remotes/origin/HEAD", revision or "HEAD")
        files = _open_commit.__wrapped__(address, asked)
        assert files.repo is not None  # clones, which would else wait for the first read and fail there
    except RevError as error:
        raise _not_opened(address, revision, str(error)) from None
    except (DvcException, SCMError, OSError) as error:
        # DVC 3.67 says `SCM error`, and has what git said as the cause.
        said = without_secrets(str(error.__cause__ or error).strip())
        raise SourceUnavailable(
            f"cannot be cloned: {escape_shown(said)}",
            file=without_secrets(address),
            fix="Check the address and that you may read it, or try again later",
        ) from None
    return files


def _not_opened(root: str, revision: str | None, said: str) -> InputError:
    return InputError(
        f"cannot be opened at revision {escape_shown(revision)}: {escape_shown(without_secrets(said.strip()))}",
        file=without_secrets(root),
        fix="Name a git repository with DVC, and a branch, tag or commit of it",
    )


def read_at_revision(root: Path | str, revision: str | None, path: str) -> bytes:
    """The bytes of `path` at `revision`.

    Raises InputError (exit 3) where the path is unknown there, or its data is neither in the cache nor in a remote,
    and what open_revision raises.
    """
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError  # where a folder's listing is not in the remote; no DvcException

    files, folder = open_revision(str(root), revision)
    try:
        with files.open(str(PurePosixPath(folder) / path), "rb") as file:
            data: bytes = file.read()
    except FileNotFoundError as error:
        # DVC says `No storage files available` where the version is known and its data is not here.
        if "storage" in str(error).lower():
            what = "the data of this version is neither in the cache nor in a remote"
            fix = "Check that revision out and run `tagpipe run` there"
        else:
            what, fix = "there is no such file", "Name a revision that has it"
        raise InputError(f"{what} (revision {escape_shown(revision)})", file=path, fix=fix) from None
    except (DvcException, DataIndexDirError, OSError) as error:
        raise InputError(
            f"cannot be read at revision {escape_shown(revision)}: {without_secrets(str(error)).splitlines()[0][:160]}",
            file=path,
            fix="Run `dvc pull`",
        ) from None
    return data

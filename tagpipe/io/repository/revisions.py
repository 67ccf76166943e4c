"""Files of a dataset repository at a git revision: from git, or through DVC from its cache or remote."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from tagpipe.errors import ConfigError, InputError, SourceUnavailable, escape_shown
from tagpipe.io.repository.programs import GitFailed, call_git
from tagpipe.io.repository.secrets import without_secrets

_ADDRESS = re.compile(r"\w[\w+.-]*://|[^/:]+@[^/:]+:")
"""The beginning of a repository's address, `https://...` or `git@host:...`; anything else is a folder."""


@lru_cache(maxsize=8)
def _open_commit(repo: str, revision: str | None) -> Any:
    """DVC's file system of a repository (a folder or a git address) at a revision; the last eight stay open."""
    from dvc.api import DVCFileSystem

    # subrepos: a dataset repository may be a folder with a `.dvc` of its own inside the git repository.
    return DVCFileSystem(repo, rev=revision, subrepos=True, config=_read_remotes(repo))


def _read_remotes(repo: str) -> dict[str, Any]:
    """DVC's remotes as they are configured now: a version may be older than the remote that has its data.

    DVC 3.67 adds them to the revision's own configuration by itself, but not which one is the default.
    """
    from dvc.config import Config

    if not (Path(repo) / ".dvc").is_dir():
        return {}
    config = Config(dvc_dir=str(Path(repo) / ".dvc"))
    default = config["core"].get("remote")
    return {"remote": dict(config["remote"]), "core": {"remote": default}} if default else {}


def open_revision(root: str, revision: str | None) -> tuple[Any, str]:
    """(DVC's file system, the dataset repository's folder in it) of a folder or git address at `revision`.

    Raises ConfigError (no such folder), SourceUnavailable (the address cannot be cloned now) and InputError (no such
    revision).
    """
    from dvc.exceptions import DvcException

    if _ADDRESS.match(root):
        return _open_address(root, revision), ""
    if not Path(root).is_dir():
        raise ConfigError("is not a folder", file=root, fix="Name a dataset repository's folder or address")
    try:
        folder = Path(root)
        top = call_git(folder, "rev-parse", "--show-toplevel", is_path=True)
        # Resolved each time, for a branch may have moved since its commit was opened.
        commit = call_git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision or 'HEAD'}^{{commit}}")
        if commit.startswith("^"):
            raise GitFailed("it says what to leave out, and names no commit")
        return _open_commit(top, commit), folder.resolve().relative_to(Path(top).resolve()).as_posix()
    except (DvcException, GitFailed, OSError, ValueError) as error:
        raise _not_opened(root, revision, str(error)) from None


def _open_address(address: str, revision: str | None) -> Any:
    from dvc.exceptions import DvcException
    from dvc.scm import RevError
    from scmrepo.exceptions import SCMError

    try:
        # DVC 3.67 clones an address once, at the revision first asked for, which stays the HEAD of the clone.
        commit = re.sub(r"^(HEAD|@)(?=[~^]|$)", "refs/remotes/origin/HEAD", revision or "HEAD")
        files = _open_commit.__wrapped__(address, commit)
        assert files.repo is not None  # clones now; otherwise the first read would, and fail there
    except RevError as error:
        raise _not_opened(address, revision, str(error)) from None
    except (DvcException, SCMError, OSError) as error:
        # DVC 3.67 says `SCM error`; what git said is the cause.
        reason = without_secrets(str(error.__cause__ or error).strip())
        raise SourceUnavailable(
            f"cannot be cloned: {escape_shown(reason)}",
            file=without_secrets(address),
            fix="Check the address and that you may read it, or try again later",
        ) from None
    return files


def _not_opened(root: str, revision: str | None, reason: str) -> InputError:
    return InputError(
        f"cannot be opened at revision {escape_shown(revision)}: {escape_shown(without_secrets(reason.strip()))}",
        file=without_secrets(root),
        fix="Name a git repository with DVC, and a branch, tag or commit of it",
    )


def read_at_revision(root: Path | str, revision: str | None, path: str) -> bytes:
    """The bytes of `path` at `revision`.

    Raises InputError if the path is unknown there, or its data is neither in the cache nor in a remote, and whatever
    `open_revision` raises.
    """
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError  # raised if the remote lacks a folder's listing; not a DvcException

    files, folder = open_revision(str(root), revision)
    try:
        with files.open(str(PurePosixPath(folder) / path), "rb") as file:
            data: bytes = file.read()
    except FileNotFoundError as error:
        # DVC 3.67 says `No storage files available` if the version is known and its data is not here.
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

"""The stored copies of what a dvc.lock names: which are whole, and how to heal those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Place = Literal["workspace", "git", "cache", "remote"]
"""Where a copy is. Reports are in the workspace, or in git where a revision is looked at; the rest is DVC's."""

Condition = Literal["ok", "missing", "corrupt", "unreadable"]
"""corrupt: other bytes than its md5 says. unreadable: nobody could look, and nothing is known."""


@dataclass(frozen=True)
class Copy:
    """One copy of an object. location: its path or address. remark: the md5 it has instead, or why it was not read."""

    place: Place
    location: str
    condition: Condition
    remark: str = ""


@dataclass(frozen=True)
class ObjectCheck:
    """An object by the md5 that dvc.lock (or a directory's listing) has, the paths it is for, and its copies.

    folders: in the remote, the listings of the directories that it is a member of.
    """

    md5: str
    paths: tuple[str, ...]
    copies: tuple[Copy, ...]
    folders: tuple[str, ...] = ()

    def copy(self, place: Place) -> Copy | None:
        """Its copy at `place`, if one belongs there."""
        return next((copy for copy in self.copies if copy.place == place), None)

    @property
    def state(self) -> str:
        """`ok`, or what is wrong with which copy: `corrupt in cache, missing in remote`."""
        wrong = (f"{copy.condition} in {copy.place}" for copy in self.copies if copy.condition != "ok")
        return ", ".join(wrong) or "ok"

    @property
    def is_damaged(self) -> bool:
        """True if a copy is corrupt or none is left. A good copy beside a missing one is not damage."""
        return any(copy.condition == "corrupt" for copy in self.copies) or self.is_lost

    @property
    def is_lost(self) -> bool:
        """True if every stored copy (git, cache, remote) was checked and none is good."""
        stored = [copy for copy in self.copies if copy.place != "workspace"] or self.copies
        return all(copy.condition in ("missing", "corrupt") for copy in stored)

    @property
    def is_unread(self) -> bool:
        return any(copy.condition == "unreadable" for copy in self.copies)


def describe_fix(check: ObjectCheck, *, at_revision: bool) -> str | None:
    """The commands that heal an object, in order, on one line; None if nothing is wrong.

    at_revision: the version may not be the one that is checked out.
    """
    steps = [
        *_fix_files(check),
        *_fix_cache(check, at_revision=at_revision),
        *_fix_remote(check, at_revision=at_revision),
    ]
    steps += [
        f"make {copy.location} readable ({copy.remark})" for copy in check.copies if copy.condition == "unreadable"
    ]
    return ", then ".join(steps) or None


def _fix_files(check: ObjectCheck) -> list[str]:
    """For a file of the workspace or of git."""
    file = check.copy("workspace") or check.copy("git")
    if file is None or file.condition not in ("missing", "corrupt"):
        return []
    if file.place == "git":
        return ["check that revision out, `tagpipe run`, and commit dvc.lock with data/reports: they do not agree"]
    if (cache := check.copy("cache")) is None:
        return [f"`git checkout {file.location}` if git has the right one, else `tagpipe run`"]
    # What is wrong in the cache is healed in the steps after this one; `dvc pull` then puts the file back, too.
    return [f"`dvc checkout --force {file.location}`"] if cache.condition == "ok" else []


def _fix_cache(check: ObjectCheck, *, at_revision: bool) -> list[str]:
    cache, remote = check.copy("cache"), check.copy("remote")
    if cache is None or cache.condition in ("ok", "unreadable"):
        return []
    # DVC takes an object that is there for a good one, so it must go first.
    steps = [f"delete {cache.location}"] if cache.condition == "corrupt" else []
    if remote is not None and remote.condition == "ok":
        return [*steps, _at("`dvc pull --force`", at_revision=at_revision)]
    if remote is not None and remote.condition == "unreadable":
        return [*steps, _at("`dvc pull --force` when the remote can be read again", at_revision=at_revision)]
    return [*steps, _at("`tagpipe run` to build it anew", at_revision=at_revision)]


def _fix_remote(check: ObjectCheck, *, at_revision: bool) -> list[str]:
    remote = check.copy("remote")
    if remote is None or remote.condition in ("ok", "unreadable"):
        return []
    # DVC 3.67 does not look for the members of a directory whose listing the remote has: both must go.
    doomed = [remote.location] if remote.condition == "corrupt" else []
    steps = [f"delete {' and '.join([*doomed, *check.folders])} in the remote"] if doomed or check.folders else []
    return [*steps, _at("`dvc push`", at_revision=at_revision)]


def _at(step: str, *, at_revision: bool) -> str:
    # Not `--all-commits`: DVC 3.67 then looks for a remote with a relative address in another place, and says nothing.
    return f"check that revision out and {step}" if at_revision else step


def summarize_checks(checks: Sequence[ObjectCheck]) -> str:
    """One line: how many objects there are, and how many of them in which state, the good ones first."""
    counts: dict[str, int] = {}
    for state in sorted((check.state for check in checks), key=lambda state: (state != "ok", state)):
        counts[state] = counts.get(state, 0) + 1
    return f"{len(checks)} named by dvc.lock: " + "; ".join(f"{count} {state}" for state, count in counts.items())


def merge_paths(entries: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """(md5, path) pairs as md5 -> its paths, each once: files of the same bytes are one object.

    >>> merge_paths([("a", "x"), ("b", "y"), ("a", "z")])
    {'a': ('x', 'z'), 'b': ('y',)}
    """
    paths_of: dict[str, dict[str, None]] = {}
    for md5, path in entries:
        paths_of.setdefault(md5, {})[path] = None
    return {md5: tuple(paths) for md5, paths in paths_of.items()}

"""The objects in DVC's cache and remote, read and hashed anew.

DVC 3.67 takes a read-only cache object for a good one: a truncated one is checked out and pushed with exit 0. Corrupt
objects of a remote it finds only with `dvc remote modify NAME verify true`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tagpipe.checks.stored_objects import Condition, Copy, ObjectCheck, Place
from tagpipe.errors import ConfigError
from tagpipe.io.repository.secrets import without_secrets

LISTING_SUFFIX = ".dir"
"""Suffix of the md5 of a directory's listing."""
LEGACY_HASH = "md5-dos2unix"
"""The hash of a dvc.lock entry that names none: written by DVC 2."""
_REMARK_CHARS = 160


class ObjectStores:
    """DVC's cache, and its default remote if there is one."""

    def __init__(self, root: Path, repo: Any, remote_name: str | None) -> None:
        self.remote_name = remote_name
        self._root = root.resolve()
        self._repo = repo
        self._opened: dict[tuple[Place, str], Any] = {}

    def check(self, oid: str, hash_name: str) -> tuple[Copy, ...]:
        """Read and hash every copy of an object."""
        places: tuple[Place, ...] = ("cache",) if self.remote_name is None else ("cache", "remote")
        return tuple(self.check_copy(place, oid, hash_name) for place in places)

    def locate(self, place: Place, oid: str, hash_name: str) -> str:
        """The place where an object belongs: a path in the dataset repository or on the disk, or an address."""
        store = self._store(place, hash_name)
        path = str(store.oid_to_path(oid))
        if store.fs.protocol != "local":
            return without_secrets(str(store.fs.unstrip_protocol(path)))
        file = Path(path)
        return file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else path

    def read_listing(self, check: ObjectCheck, hash_name: str) -> list[tuple[str, str]]:
        """(md5, path in the directory) of what a directory's listing names; empty if no copy of the listing is good."""
        good = next((copy.place for copy in check.copies if copy.condition == "ok"), None)
        if good is None:
            return []
        store = self._store(good, hash_name)
        with store.fs.open(store.oid_to_path(check.md5), "rb") as file:
            return [(str(member["md5"]), str(member["relpath"])) for member in json.load(file)]

    def _store(self, place: Place, hash_name: str) -> Any:
        if (place, hash_name) not in self._opened:
            if place == "remote":
                store = self._repo.cloud.get_remote_odb(hash_name=hash_name)
            else:
                store = self._repo.cache.legacy if hash_name == LEGACY_HASH else self._repo.cache.local
            self._opened[place, hash_name] = store
        return self._opened[place, hash_name]

    def check_copy(self, place: Place, oid: str, hash_name: str) -> Copy:
        """Read and hash one copy of an object."""
        from dvc_data.hashfile.hash import fobj_md5

        store, location = self._store(place, hash_name), self.locate(place, oid, hash_name)
        try:
            with store.fs.open(store.oid_to_path(oid), "rb") as file:
                return check_md5(place, location, oid, fobj_md5(file, name=hash_name))  # reads a MiB at a time
        except Exception as error:  # noqa: BLE001 - each kind of remote raises its own library's errors
            reason = describe_read_failure(error)
            if reason is None:
                return Copy(place, location, "missing")
            return Copy(place, location, "unreadable", reason[:_REMARK_CHARS])


@contextmanager
def open_stores(root: Path, *, with_remote: bool) -> Iterator[ObjectStores]:
    """The cache and remote of the present dataset repository; they serve its older versions, too.

    Raises ConfigError for a DVC configuration that cannot be used.
    """
    from dvc.config import NoRemoteError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            remote_name = None
            with suppress(NoRemoteError):
                if with_remote:
                    repo.cloud.get_remote_odb(command="verify")
                    remote_name = repo.config["core"].get("remote")
            yield ObjectStores(root, repo, remote_name)
    except DvcException as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"DVC cannot be used: {reason}", file=str(root), fix="Correct .dvc/config") from None


def check_md5(place: Place, location: str, expected: str, actual: str | None) -> Copy:
    """The copy of an object whose bytes have the md5 `actual` (None if there are no bytes)."""
    if actual is None:
        return Copy(place, location, "missing")
    is_good = actual == expected.removesuffix(LISTING_SUFFIX)
    condition: Condition = "ok" if is_good else "corrupt"
    return Copy(place, location, condition, "" if is_good else f"its bytes have the md5 {actual}")


def describe_read_failure(error: BaseException) -> str | None:
    """The reason why an object could not be read, in one line; None if it is just not there.

    fsspec 2026 raises FileNotFoundError also for a web server that refuses, with the refusal as its cause. If that
    were reported as a missing object, people would push an object that is there.
    """
    if isinstance(error, FileNotFoundError):
        if error.__cause__ is None or getattr(error.__cause__, "status", None) == 404:
            return None
        return describe_read_failure(error.__cause__)
    return without_secrets((str(error).splitlines() or [""])[0] or type(error).__name__)

"""Every byte that a dvc.lock names, read and hashed anew: files, DVC's cache, its remote.

DVC 3.67 takes a read-only cache object for a good one: a truncated one is checked out and pushed with exit 0. Corrupt
objects of a remote it finds only with `dvc remote modify NAME verify true`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path, PurePosixPath
from typing import Any

from tagpipe.checks.stored_objects import Condition, Copy, ObjectCheck, Place, merge_paths
from tagpipe.errors import ConfigError, InputError, IntegrityError
from tagpipe.io.git.commits import find_commit, read_blob
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.layout import Layout, project_layout
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.io.versions.version import Version, open_version, verify_version

_FOLDER = ".dir"
"""How the md5 of a directory's listing ends."""
_LEGACY = "md5-dos2unix"
"""The hash of an entry that names none: written by DVC 2."""
_REMARK_CHARS = 160


@dataclass(frozen=True)
class DeepCheck:
    """What `verify --deep` found. digests: of the manifest; None where they differ, and `error` says how.

    remote: its name; None if the project has none.
    """

    revision: str | None
    digests: dict[str, str] | None
    error: IntegrityError | None
    remote: str | None
    objects: tuple[ObjectCheck, ...]

    @property
    def is_damaged(self) -> bool:
        return self.error is not None or any(each.is_damaged for each in self.objects)

    @property
    def is_unread(self) -> bool:
        """Whether nothing is known to be damaged, but something could not be read."""
        return not self.is_damaged and any(each.is_unread for each in self.objects)


@dataclass(frozen=True)
class _Entry:
    """An output that dvc.lock has."""

    path: str
    md5: str
    hash_name: str
    is_cached: bool


@dataclass(frozen=True)
class _Stores:
    """DVC's object stores by the name of their hash; no remote: None."""

    root: Path
    cache: Callable[[str], Any]
    remote: Callable[[str], Any] | None
    remote_name: str | None


def verify_deep(directory: Path, revision: str | None = None, *, with_remote: bool = True) -> DeepCheck:
    """Digests over values, and every copy of every object, of the workspace's version or of the one at `revision`.

    with_remote: the copies in DVC's remote, too. Raises ConfigError (no DVC project, a remote that cannot be used) and
    InputError (no such version). What is damaged is not raised.
    """
    if revision is None and not (project_layout(directory).root / LOCK_FILE).is_file():
        raise InputError("is not there: nothing has been built here", file=LOCK_FILE, fix="Run `tagpipe run` first")
    version = open_version(directory, revision)
    read_file = _file_reader(directory, revision)
    entries = list(_iter_entries(version.layout, read_file(LOCK_FILE) or b""))
    with _open_stores(directory, with_remote=with_remote) as stores:
        place: Place = "workspace" if revision is None else "git"
        checks = list(_iter_checks(entries, stores, place, read_file))
        remote = stores.remote_name
    digests, error = _check_values(version)
    return DeepCheck(revision, digests, error, remote, tuple(checks))


def _check_values(version: Version) -> tuple[dict[str, str] | None, IntegrityError | None]:
    try:
        return verify_version(version), None
    except IntegrityError as error:
        return None, error


def _file_reader(root: Path, revision: str | None) -> Callable[[str], bytes | None]:
    """What gives the bytes of a file of the workspace, or of git at `revision`; None where there is none."""
    commit = find_commit(root, revision) if revision is not None else None

    def read_workspace(path: str) -> bytes | None:
        file = root / path
        return file.read_bytes() if file.is_file() else None

    def read_git(path: str) -> bytes | None:
        return read_blob(root, str(commit), path)

    return read_workspace if revision is None else read_git


def _iter_entries(layout: Layout, lock: bytes) -> Iterator[_Entry]:
    stages = parse_lock(lock) if lock else {}
    for name in layout.stages:
        is_cached = dict(layout.outs(name))
        for out in stages.get(name, {}).get("outs", ()):
            if "md5" in out:
                hash_name = str(out.get("hash", _LEGACY))
                yield _Entry(str(out["path"]), str(out["md5"]), hash_name, is_cached.get(str(out["path"]), True))


@contextmanager
def _open_stores(root: Path, *, with_remote: bool) -> Iterator[_Stores]:
    """The cache and remote that the project has now, which also serve its older versions."""
    from dvc.config import NoRemoteError
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            remote = name = None
            with suppress(NoRemoteError):
                if with_remote:
                    repo.cloud.get_remote_odb(command="verify")
                    name = repo.config["core"].get("remote")
                    remote = lambda hash_name: repo.cloud.get_remote_odb(hash_name=hash_name)  # noqa: E731
            yield _Stores(
                root,
                lambda hash_name: repo.cache.legacy if hash_name == _LEGACY else repo.cache.local,
                remote,
                name,
            )
    except DvcException as error:
        said = str(error).splitlines()[0]
        raise ConfigError(f"DVC cannot be used: {said}", file=str(root), fix="Correct .dvc/config") from None


def _iter_checks(
    entries: list[_Entry], stores: _Stores, place: Place, read_file: Callable[[str], bytes | None]
) -> Iterator[ObjectCheck]:
    for entry in (each for each in entries if not each.is_cached):
        yield ObjectCheck(entry.md5, (entry.path,), (_check_file(entry.path, entry.md5, place, read_file),))
    cached = [each for each in entries if each.is_cached]
    members: list[_Entry] = []
    folders: dict[str, list[str]] = {}
    for hash_name in sorted({each.hash_name for each in cached}):
        store = _Reader(stores, hash_name)
        for oid, paths in merge_paths((each.md5, each.path) for each in cached if each.hash_name == hash_name).items():
            check = ObjectCheck(oid, paths, store.check(oid))
            if not oid.endswith(_FOLDER):
                yield _with_files(check, place, read_file)
                continue
            yield check
            for path in paths:
                found = [replace(each, hash_name=hash_name) for each in store.list_folder(check, path)]
                members += found
                for member in found:
                    folders.setdefault(member.md5, []).append(store.locate("remote", oid))
        of_members = ((each.md5, each.path) for each in members if each.hash_name == hash_name)
        for oid, paths in merge_paths(of_members).items():
            listings = tuple(dict.fromkeys(folders[oid])) if stores.remote else ()
            yield _with_files(ObjectCheck(oid, paths, store.check(oid), listings), place, read_file)


def _with_files(check: ObjectCheck, place: Place, read_file: Callable[[str], bytes | None]) -> ObjectCheck:
    """The object with its copies in the workspace; at a revision DVC's files are in no work tree."""
    if place != "workspace":
        return check
    files = (_check_file(path, check.md5, place, read_file) for path in check.paths)
    return replace(check, copies=(*files, *check.copies))


def _check_file(path: str, expected: str, place: Place, read_file: Callable[[str], bytes | None]) -> Copy:
    data = read_file(path)
    found = None if data is None else md5(data, usedforsecurity=False).hexdigest()
    return _judge(place, path, expected, found)


def _judge(place: Place, location: str, expected: str, found: str | None) -> Copy:
    """found: the md5 that its bytes have; None if there are none."""
    if found is None:
        return Copy(place, location, "missing")
    is_good = found == expected.removesuffix(_FOLDER)
    condition: Condition = "ok" if is_good else "corrupt"
    return Copy(place, location, condition, "" if is_good else f"its bytes have the md5 {found}")


class _Reader:
    """The objects of one kind of hash, in the cache and the remote."""

    def __init__(self, stores: _Stores, hash_name: str) -> None:
        self._hash_name = hash_name
        self._root = stores.root.resolve()
        self._stores: dict[Place, Any] = {"cache": stores.cache(hash_name)}
        if stores.remote is not None:
            self._stores["remote"] = stores.remote(hash_name)

    def check(self, oid: str) -> tuple[Copy, ...]:
        return tuple(self._check_at(place, oid) for place in self._stores)

    def locate(self, place: Place, oid: str) -> str:
        """Where the object is to be, as people see it: in the project, on the disk, or an address."""
        if (store := self._stores.get(place)) is None:
            return ""
        path = str(store.oid_to_path(oid))
        if store.fs.protocol != "local":
            return without_secrets(str(store.fs.unstrip_protocol(path)))
        file = Path(path)
        return file.relative_to(self._root).as_posix() if file.is_relative_to(self._root) else path

    def list_folder(self, check: ObjectCheck, path: str) -> Iterator[_Entry]:
        """What a directory's listing names, from a good copy; nothing where there is none."""
        good = next((copy.place for copy in check.copies if copy.condition == "ok"), None)
        if good is None:
            return
        store = self._stores[good]
        with store.fs.open(store.oid_to_path(check.md5), "rb") as file:
            for each in json.load(file):
                yield _Entry(str(PurePosixPath(path) / each["relpath"]), str(each["md5"]), self._hash_name, True)

    def _check_at(self, place: Place, oid: str) -> Copy:
        from dvc_data.hashfile.hash import fobj_md5

        store, location = self._stores[place], self.locate(place, oid)
        try:
            with store.fs.open(store.oid_to_path(oid), "rb") as file:
                return _judge(place, location, oid, fobj_md5(file, name=self._hash_name))  # a MiB at a time
        except Exception as error:  # noqa: BLE001 - each kind of remote raises its own library's errors
            if (cause := find_trouble(error)) is None:
                return Copy(place, location, "missing")
            said = (str(cause).splitlines() or [""])[0] or type(cause).__name__
            return Copy(place, location, "unreadable", without_secrets(said)[:_REMARK_CHARS])


def find_trouble(error: BaseException) -> BaseException | None:
    """What kept an object from being read; None if it is just not there.

    fsspec 2026 says FileNotFoundError of a web server that refuses, too, and has the reason as the cause: to take that
    for a missing object would be to tell people to push what is there.
    """
    if not isinstance(error, FileNotFoundError):
        return error
    if error.__cause__ is None or getattr(error.__cause__, "status", None) == 404:
        return None
    return find_trouble(error.__cause__)

"""Every byte that a dvc.lock names, read and hashed anew: files, DVC's cache, its remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tagpipe.checks.stored_objects import Copy, ObjectCheck, Place, merge_paths
from tagpipe.errors import InputError, IntegrityError
from tagpipe.io.checks.object_stores import LEGACY_HASH, LISTING_SUFFIX, ObjectStores, check_md5, open_stores
from tagpipe.io.git.commits import find_commit, read_blob
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.files import md5_of
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.versions.verify_version import verify_version
from tagpipe.io.versions.version import open_version

ReadFile = Callable[[str], bytes | None]
"""Returns the bytes of a file by its path in the dataset repository; None if there is no such file."""


@dataclass(frozen=True)
class DeepCheck:
    """The result of `tagpipe verify --deep`."""

    revision: str | None
    """None for the workspace."""
    digests: dict[str, str] | None
    """Path -> digest, as `verify_version` returns them; None if they differ from the manifest's, as `error` says."""
    error: IntegrityError | None
    remote: str | None
    """Name of DVC's remote; None if there is none, or if it was not asked."""
    objects: tuple[ObjectCheck, ...]

    @property
    def is_damaged(self) -> bool:
        return self.error is not None or any(check.is_damaged for check in self.objects)

    @property
    def is_unread(self) -> bool:
        """True if no damage is known, but something could not be read."""
        return not self.is_damaged and any(check.is_unread for check in self.objects)


@dataclass(frozen=True)
class _Entry:
    """An output in dvc.lock."""

    path: str
    md5: str
    hash_name: str
    is_cached: bool


def verify_deep(directory: Path, revision: str | None = None, *, with_remote: bool = True) -> DeepCheck:
    """Check the digests over values and every copy of every object, of the workspace or of the version at `revision`.

    with_remote: also the copies in DVC's remote. Raises ConfigError (DVC or a remote cannot be used) and InputError
    (no such version); damage is returned, not raised.
    """
    if revision is None and not (repository_layout(directory).root / LOCK_FILE).is_file():
        raise InputError("is not there: nothing has been built here", file=LOCK_FILE, fix="Run `tagpipe run` first")
    version = open_version(directory, revision)
    read_file = _file_reader(directory, revision)
    entries = list(_iter_entries(version.layout, read_file(LOCK_FILE) or b""))
    with open_stores(directory, with_remote=with_remote) as stores:
        place: Place = "workspace" if revision is None else "git"
        checks = tuple(_iter_checks(entries, stores, place, read_file))
    try:
        return DeepCheck(revision, verify_version(version, with_raw=False), None, stores.remote_name, checks)
    except IntegrityError as error:
        return DeepCheck(revision, None, error, stores.remote_name, checks)


def _file_reader(root: Path, revision: str | None) -> ReadFile:
    if revision is None:
        return lambda path: (root / path).read_bytes() if (root / path).is_file() else None
    commit = str(find_commit(root, revision))
    return lambda path: read_blob(root, commit, path)


def _iter_entries(layout: Layout, lock: bytes) -> Iterator[_Entry]:
    stages = parse_lock(lock).stages if lock else {}
    for name, stage in layout.stages.items():
        is_cached = dict(stage.outs)
        for out in stages[name].outs if name in stages else ():
            if out.md5 is not None:
                yield _Entry(out.path, out.md5, out.hash or LEGACY_HASH, is_cached.get(out.path, True))


def _iter_checks(
    entries: list[_Entry], stores: ObjectStores, place: Place, read_file: ReadFile
) -> Iterator[ObjectCheck]:
    for entry in entries:
        if not entry.is_cached:
            file = _check_file(entry.path, entry.md5, place, read_file)
            # Reports are git's. DVC 3.67 has copies of them for its run cache alone, and restores damaged ones, too.
            kept = stores.check_copy("cache", entry.md5, entry.hash_name)
            yield ObjectCheck(entry.md5, (entry.path,), (file, kept) if kept.condition == "corrupt" else (file,))
    cached = [entry for entry in entries if entry.is_cached]
    for hash_name in sorted({entry.hash_name for entry in cached}):
        members: list[tuple[str, str]] = []  # (md5, path) of the files in directories
        listings: dict[str, dict[str, None]] = {}  # md5 -> where the remote has the listings that name it
        outputs = merge_paths((entry.md5, entry.path) for entry in cached if entry.hash_name == hash_name)
        for oid, paths in outputs.items():
            check = ObjectCheck(oid, paths, stores.check(oid, hash_name))
            if not oid.endswith(LISTING_SUFFIX):
                yield _with_files(check, place, read_file)
                continue
            yield check
            for member, relative in stores.read_listing(check, hash_name):
                members += [(member, str(PurePosixPath(path) / relative)) for path in paths]
                if stores.remote_name is not None:
                    listings.setdefault(member, {})[stores.locate("remote", oid, hash_name)] = None
        for oid, paths in merge_paths(members).items():
            folders = tuple(listings.get(oid, ()))
            yield _with_files(ObjectCheck(oid, paths, stores.check(oid, hash_name), folders), place, read_file)


def _with_files(check: ObjectCheck, place: Place, read_file: ReadFile) -> ObjectCheck:
    """The check with the copies in the workspace, too; at a revision, DVC's files are in no work tree."""
    if place != "workspace":
        return check
    files = (_check_file(path, check.md5, place, read_file) for path in check.paths)
    return replace(check, copies=(*files, *check.copies))


def _check_file(path: str, expected: str, place: Place, read_file: ReadFile) -> Copy:
    data = read_file(path)
    return check_md5(place, path, expected, None if data is None else md5_of(data))

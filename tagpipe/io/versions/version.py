"""Read a dataset version from the workspace, a directory written by `tagpipe build`, or a git revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, get_args

import pyarrow as pa

from tagpipe.errors import ConfigError, InputError, IntegrityError, TagpipeError, escape_shown
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.files import read_bytes, read_table
from tagpipe.io.repository.layout import DVC_FILE, Layout, find_layout, parse_stages
from tagpipe.io.repository.reports import RESTORE, parse_report
from tagpipe.io.repository.revisions import read_at_revision
from tagpipe.io.repository.yaml_file import parse_yaml
from tagpipe.io.versions.recorded_bytes import SUMS_FILE, RecordedBytes, parse_recorded_md5, parse_sums
from tagpipe.tables.digest import content_digests, table_sha256
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.model import Report
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import RejectedRow
from tagpipe.tables.schemas import CODED, IdType, id_kind_of, plain_type, table_schemas

R = TypeVar("R", bound=Report)
D = TypeVar("D")

CONTENT = ("threshold/projects", "threshold/tags")
"""The tables that `content_sha256` is computed from."""

_DAMAGE = (pa.ArrowException, LookupError, TypeError, ValueError, OSError)
"""What pyarrow and numpy raise over values that no build writes; UnicodeDecodeError is a ValueError."""


@dataclass(frozen=True)
class Version:
    """One dataset version to read from.

    Whatever is read is what dvc.lock or SHA256SUMS says, as it was at the first read: a file of another version is
    damage, too.
    """

    layout: Layout
    repo: str | None = None
    """Folder or git address of the repository; None for what is on disk at `layout.root`."""
    revision: str | None = None
    """In `repo`; None for its HEAD."""
    is_checked: bool = True
    """False to read files whatever their bytes are: `verify` also says how their values differ."""

    def path_of_table(self, key: str) -> str:
        """The path of the table STAGE/TABLE."""
        stage, name = key.split("/")
        return self.layout.path_of(stage, f"{name}.parquet")

    def read(self, stage: str, name: str) -> bytes:
        """The bytes of an output. Raises InputError if it is not there."""
        path = self.layout.path_of(stage, name)
        self._require_file(path)
        return self.read_file(path)

    def read_file(self, path: str) -> bytes:
        """The bytes of a file, by its path in the dataset repository.

        Raises InputError if it is not there, IntegrityError if it is not the one that was built.
        """
        data = self._read_bytes(path)
        if self.recorded is not None:
            self.recorded.check(path, data)
        return data

    def check_file(self, path: str) -> None:
        """Raise as `read_file` does, without holding a file of the disk in memory."""
        if self.repo is not None:
            self.read_file(path)
            return
        self._require_file(path)
        if self.recorded is not None:
            self.recorded.check_file(path, self.layout.root / path)

    @cached_property
    def recorded(self) -> RecordedBytes | None:
        """The bytes that its files must have; None if nothing usable says so, as a dvc.lock with a merge conflict."""
        try:
            return self.read_record() if self.is_checked else None
        except ConfigError:
            return None

    def read_record(self) -> RecordedBytes | None:
        """What dvc.lock or SHA256SUMS says; None if it is not there. Raises ConfigError or IntegrityError."""
        name = SUMS_FILE if self.layout.is_build else LOCK_FILE
        if self.repo is None and not (self.layout.root / name).is_file():
            return None
        try:
            data = self._read_bytes(name)
        except InputError:
            if self.repo is None:
                raise
            return None  # nobody has built that revision
        return parse_sums(data) if self.layout.is_build else parse_recorded_md5(self.layout, data, source=name)

    def _read_bytes(self, path: str) -> bytes:
        if self.repo is None:
            return read_bytes(self.layout.root / path)
        return read_at_revision(self.repo, self.revision, path)

    def _require_file(self, path: str) -> None:
        """Raise InputError if an output on the disk is missing; at a revision, reading it does."""
        if self.repo is None and not (self.layout.root / path).is_file():
            raise InputError(
                "is not there: the version has not been built here, or not wholly",
                file=path,
                fix="Run `tagpipe run` to build it, or `dvc pull` to fetch its data",
            )

    def read_report(self, model: type[R]) -> R:
        """Read the report that `model` describes. Raises InputError if it is missing, IntegrityError if damaged."""
        data, path = self.read(*model.OUTPUT), self.layout.path_of(*model.OUTPUT)
        with self._damage(path):
            return parse_report(data, model, file=path)

    def read_rejected(self) -> Iterator[RejectedRow]:
        """The rows of rejected.jsonl. Raises InputError if it is missing, IntegrityError if damaged."""
        data, path = self.read(*RejectedRow.OUTPUT), self.layout.path_of(*RejectedRow.OUTPUT)
        with self._damage(path):
            for line in data.splitlines():
                yield parse_report(line, RejectedRow, file=path)

    def read_table(
        self, key: str, *, filters: list[tuple[str, str, object]] | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """The table STAGE/TABLE of `table_schemas`. Raises InputError if it is missing, IntegrityError if damaged."""
        stage, name = key.split("/")
        data, path = self.read(stage, f"{name}.parquet"), self.path_of_table(key)
        with self._damage(path):
            table = read_table(data, coded=CODED[key], filters=filters, columns=columns, name=path)
            _check_columns(table, key, columns, file=path)
        return table

    @contextmanager
    def _damage(self, path: str) -> Iterator[None]:
        """Make damage of an InputError about `path`, unless its bytes are those that were built: by another tagpipe."""
        try:
            yield
        except InputError as error:
            if self.recorded is not None and path in self.recorded.digests:
                raise
            raise as_damage(error) from None
        except _DAMAGE as error:
            raise _not_built(path, error) from None


def as_damage(error: TagpipeError) -> IntegrityError:
    """The error as one of integrity."""
    return IntegrityError(**{name: value for name, value in error.as_dict().items() if name != "kind"})


def _check_columns(table: pa.Table, key: str, columns: list[str] | None, *, file: str) -> None:
    """Raise InputError unless the table has the columns of its schema, or those of `columns`."""
    actual = [(field.name, plain_type(field.type)) for field in table.schema]
    for kind in get_args(IdType):
        schema = table_schemas(kind)[key]
        if actual == [
            (field.name, plain_type(field.type)) for field in schema if field.name in (columns or schema.names)
        ]:
            return
    raise InputError(
        "does not have the columns of this table",
        file=file,
        found=escape_shown(", ".join(f"{name}: {kind}" for name, kind in actual)),
        expected=", ".join(columns or table_schemas("integer")[key].names),
        fix=RESTORE,
    )


def is_on_disk(path_or_repo: str | Path, revision: str | None) -> bool:
    """True if that names what is on disk at a path, and no revision or git address."""
    location = str(path_or_repo)
    return revision is None and "://" not in location and not location.startswith("git@")


def open_version(path_or_repo: str | Path = ".", revision: str | None = None) -> Version:
    """The version on disk at a path, or in a repository (path or git address) at `revision`.

    Raises ConfigError or InputError if there is none.
    """
    location = str(path_or_repo)
    if is_on_disk(location, revision):
        return Version(find_layout(Path(location)))
    tree = parse_yaml(read_at_revision(location, revision, DVC_FILE), file=DVC_FILE)
    return Version(Layout(Path(), parse_stages(tree, file=DVC_FILE)), location, revision)


@dataclass(frozen=True)
class Content:
    """What identifies a version, as it was read: its tables have the digests of its manifest."""

    manifest: Manifest
    report: ThresholdReport
    projects: pa.Table
    """`schemas.labeled_projects`."""
    tags: pa.Table
    """`schemas.TAGS`."""


def read_content(version: Version) -> Content:
    """Read the manifest, its report and the labeled tables.

    Raises InputError if one is missing, IntegrityError if one is damaged or they are not of one version.
    """
    manifest, report = version.read_report(Manifest), version.read_report(ThresholdReport)
    projects, tags = (version.read_table(key) for key in CONTENT)
    content, *digests = _digest(lambda: content_digests(projects, tags), file=version.path_of_table(CONTENT[0]))
    for key, sha256 in zip(CONTENT, digests, strict=True):
        check_digest(version, manifest, key, sha256)
    check_content(version, manifest, report, content)
    return Content(manifest, report, projects, tags)


def check_content(version: Version, manifest: Manifest, report: ThresholdReport, content: str) -> None:
    """Raise IntegrityError unless both name `content`, the digest of the tables."""
    for model, recorded in ((Manifest, manifest.content_sha256), (ThresholdReport, report.content_sha256)):
        if recorded != content:
            raise IntegrityError(
                f"content_sha256 {escape_shown(recorded)}, the tables give {content}",
                file=version.layout.path_of(*model.OUTPUT),
                fix=RESTORE,
            )


def read_checked_table(version: Version, manifest: Manifest, key: str) -> pa.Table:
    """Read a whole table. Raises as `read_content` does."""
    table = version.read_table(key)
    check_digest(version, manifest, key, table_digest(version, key, table))
    return table


def table_digest(version: Version, key: str, table: pa.Table) -> str:
    """The digest of a table of the version. Raises IntegrityError if its values are none that a build writes."""
    return _digest(lambda: table_sha256(table, table_schemas(_id_kind(table))[key]), file=version.path_of_table(key))


def check_digest(version: Version, manifest: Manifest, key: str, sha256: str) -> None:
    """Raise IntegrityError unless the manifest has this digest of the table."""
    recorded = manifest.tables.get(key)
    if recorded is None or sha256 != recorded.sha256:
        said = None if recorded is None else escape_shown(recorded.sha256)
        raise IntegrityError(f"digest {sha256}, the manifest has {said}", file=version.path_of_table(key), fix=RESTORE)


def _digest(compute: Callable[[], D], *, file: str) -> D:
    try:
        return compute()
    except _DAMAGE as error:
        raise _not_built(file, error) from None


def _not_built(file: str, error: Exception) -> IntegrityError:
    return IntegrityError(f"holds what no build writes ({escape_shown(str(error))})", file=file, fix=RESTORE)


def _id_kind(table: pa.Table) -> IdType:
    """The type of the ids in a table; `integer` for one without ids, whose schema is the same for both."""
    if "project_id" in table.column_names:
        table = table.select(["project_id"]).rename_columns(["id"])
    return id_kind_of(table) if "id" in table.column_names else "integer"

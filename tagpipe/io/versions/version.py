"""Read a dataset version from the workspace, a directory written by `tagpipe build`, or a git revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

import pyarrow as pa

from tagpipe.errors import InputError, IntegrityError, escape_shown, from_dict
from tagpipe.io.repository.files import read_bytes, read_table
from tagpipe.io.repository.layout import DVC_FILE, Layout, find_layout, parse_stages
from tagpipe.io.repository.reports import RESTORE, parse_report
from tagpipe.io.repository.revisions import read_at_revision
from tagpipe.io.repository.yaml_file import parse_yaml
from tagpipe.tables.digest import content_sha256, table_sha256
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.model import Report
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import RejectedRow
from tagpipe.tables.schemas import CODED, IdType, id_kind_of, plain_type, table_schemas

R = TypeVar("R", bound=Report)

_CONTENT = ("threshold/projects", "threshold/tags")
"""The tables that `content_sha256` is computed from."""


@dataclass(frozen=True)
class Version:
    """One dataset version to read from."""

    layout: Layout
    repo: str | None = None
    """Folder or git address of the repository; None for what is on disk at `layout.root`."""
    revision: str | None = None
    """In `repo`; None for its HEAD."""

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
        """The bytes of a file, by its path in the dataset repository. Raises InputError if it is not there."""
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
        """Read the report that `model` describes. Raises InputError if it is missing or damaged."""
        return parse_report(self.read(*model.OUTPUT), model, file=self.layout.path_of(*model.OUTPUT))

    def read_rejected(self) -> Iterator[RejectedRow]:
        """The rows of rejected.jsonl. Raises InputError if it is missing or damaged."""
        for line in self.read(*RejectedRow.OUTPUT).splitlines():
            yield parse_report(line, RejectedRow, file=self.layout.path_of(*RejectedRow.OUTPUT))

    def read_table(
        self, key: str, *, filters: list[tuple[str, str, object]] | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """The table STAGE/TABLE of `table_schemas`. Raises InputError if it is missing or damaged."""
        path = self.path_of_table(key)
        self._require_file(path)
        source = self.layout.root / path if self.repo is None else self.read_file(path)
        table = read_table(source, coded=CODED[key], filters=filters, columns=columns, name=path)
        _check_columns(table, key, columns, file=path)
        return table


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


def open_version(path_or_repo: str | Path = ".", revision: str | None = None) -> Version:
    """The version on disk at a path, or in a repository (path or git address) at `revision`.

    Raises ConfigError or InputError if there is none.
    """
    location = str(path_or_repo)
    is_remote = "://" in location or location.startswith("git@")
    if revision is None and not is_remote:
        return Version(find_layout(Path(location)))
    tree = parse_yaml(read_at_revision(location, revision, DVC_FILE), file=DVC_FILE)
    return Version(Layout(Path(), parse_stages(tree, file=DVC_FILE)), location, revision)


def verify_version(version: Version, *, keys: tuple[str, ...] = tuple(table_schemas("integer"))) -> dict[str, str]:
    """Check the tables `keys`, and in any case the content, against the manifest.

    Returns path -> digest of the tables `keys`, and `content` -> that of the content.

    Raises IntegrityError, which names every file that is missing, unreadable or has other values.
    """
    try:
        manifest = version.read_report(Manifest)
        report = version.read_report(ThresholdReport)
    except InputError as error:
        raise from_dict({**error.as_dict(), "kind": IntegrityError.__name__}) from None
    digests: dict[str, str] = {}
    wrong: list[str] = []
    content: dict[str, pa.Table] = {}  # kept; the other tables, up to ten times as long, are freed once hashed

    def check(key: str, table: pa.Table) -> None:
        path = version.path_of_table(key)
        digests[path] = table_sha256(table, table_schemas(_id_kind(table))[key])
        recorded = manifest.tables.get(key)
        if recorded is None or digests[path] != recorded.sha256:
            wrong.append(f"{path}: digest {digests[path]}, the manifest has {recorded and recorded.sha256}")

    for key in dict.fromkeys([*keys, *_CONTENT]):
        try:
            table = version.read_table(key)
        except InputError as error:
            wrong.append(f"{version.path_of_table(key)}: {error.what}")
            continue
        if key in _CONTENT:
            content[key] = table
        if key in keys:
            check(key, table)
    if not wrong:
        digest = content_sha256(*(content[key] for key in _CONTENT))
        if digest != manifest.content_sha256:
            for key in set(_CONTENT) - set(keys):  # to name the one that differs
                check(key, content[key])
        for path, sha256 in (
            (version.layout.path_of(*Manifest.OUTPUT), manifest.content_sha256),
            (version.layout.path_of(*ThresholdReport.OUTPUT), report.content_sha256),
        ):
            if sha256 != digest:
                wrong.append(f"{path}: content_sha256 {sha256}, the tables give {digest}")
    if wrong:
        raise _differs(wrong)
    return {**digests, "content": manifest.content_sha256}


def _differs(wrong: list[str]) -> IntegrityError:
    return IntegrityError(
        f"{len(wrong)} file{'s differ' if len(wrong) > 1 else ' differs'} from the manifest",
        file=wrong[0].split(": ", 1)[0],
        fix="Restore with `dvc checkout`, or build anew with `tagpipe run`",
        details=tuple(wrong),
    )


def _id_kind(table: pa.Table) -> IdType:
    """The type of the ids in a table; `integer` for one without ids, whose schema is the same for both."""
    if "project_id" in table.column_names:
        table = table.select(["project_id"]).rename_columns(["id"])
    return id_kind_of(table) if "id" in table.column_names else "integer"

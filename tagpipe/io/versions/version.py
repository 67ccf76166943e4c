"""A dataset version wherever it is: the workspace, a directory written by `tagpipe build`, a git revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, get_args

import pyarrow as pa

from tagpipe.errors import InputError, IntegrityError, escape_shown
from tagpipe.io.repository.files import read_bytes, read_table
from tagpipe.io.repository.layout import DVC_FILE, Layout, find_layout, parse_stages
from tagpipe.io.repository.reports import RESTORE, parse_report
from tagpipe.tables.digest import content_sha256, table_sha256
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.model import Report
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import RejectedRow
from tagpipe.tables.schemas import CODED, IdType, id_kind_of, plain_type, table_schemas

R = TypeVar("R", bound=Report)


_CONTENT = ("threshold/projects", "threshold/tags")
"""The tables that `content_sha256` is of."""


@dataclass(frozen=True)
class Version:
    """One dataset version to read from. repo and revision: None for what is on disk at `layout.root`."""

    layout: Layout
    repo: str | None = None
    revision: str | None = None

    def path_of(self, stage: str, name: str) -> str:
        """Where the file is, as people see it."""
        return self.layout.out(stage, name).relative_to(self.layout.root).as_posix()

    def read(self, stage: str, name: str) -> bytes:
        """The bytes of an output. Raises InputError if it is not there."""
        if self.repo is None:
            self._expect(stage, name)
            return read_bytes(self.layout.out(stage, name))
        from tagpipe.io.repository.revisions import read_at_revision

        return read_at_revision(self.repo, self.revision, self.path_of(stage, name))

    def read_file(self, path: str) -> bytes:
        """The bytes of a file that git keeps, by its path in the project. Raises InputError if it is not there."""
        if self.repo is None:
            return read_bytes(self.layout.root / path)
        from tagpipe.io.repository.revisions import read_at_revision

        return read_at_revision(self.repo, self.revision, path)

    def _expect(self, stage: str, name: str) -> None:
        if not self.layout.out(stage, name).is_file():
            raise InputError(
                "is not there: the version has not been built here, or not wholly",
                file=self.path_of(stage, name),
                fix="Run `tagpipe run` to build it, or `dvc pull` to fetch its data",
            )

    def read_report(self, model: type[R]) -> R:
        """The report of that model. Raises InputError if it is missing or damaged."""
        return parse_report(self.read(*model.OUTPUT), model, file=self.path_of(*model.OUTPUT))

    def read_rejected(self) -> Iterator[RejectedRow]:
        """The rows of rejected.jsonl. Raises InputError if it is missing or damaged."""
        for line in self.read(*RejectedRow.OUTPUT).splitlines():
            yield parse_report(line, RejectedRow, file=self.path_of(*RejectedRow.OUTPUT))

    def read_table(
        self, key: str, *, filters: list[tuple[str, str, object]] | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """The table STAGE/TABLE (`schemas.table_schemas`). Raises InputError if it is missing or damaged."""
        stage, name = key.split("/")
        file = f"{name}.parquet"
        if self.repo is None:
            self._expect(stage, file)
        source = self.layout.out(stage, file) if self.repo is None else self.read(stage, file)
        path = self.path_of(stage, file)
        table = read_table(source, coded=CODED[key], filters=filters, columns=columns, name=path)
        _check_columns(table, key, columns, file=path)
        return table


def _check_columns(table: pa.Table, key: str, columns: list[str] | None, *, file: str) -> None:
    """Raise InputError unless the columns (those read, or all) are those that such a table has."""
    found = [(field.name, plain_type(field.type)) for field in table.schema]
    for kind in get_args(IdType):
        schema = table_schemas(kind)[key]
        if found == [
            (field.name, plain_type(field.type)) for field in schema if field.name in (columns or schema.names)
        ]:
            return
    raise InputError(
        "has other columns than such a table",
        file=file,
        found=escape_shown(", ".join(f"{name}: {kind}" for name, kind in found)),
        expected=", ".join(columns or table_schemas("integer")[key].names),
        fix=RESTORE,
    )


def open_version(path_or_repo: str | Path = ".", revision: str | None = None) -> Version:
    """The version on disk at a path, or the one of a repository (path or git address) at `revision`.

    Raises ConfigError or InputError where there is none.
    """
    location = str(path_or_repo)
    is_remote = "://" in location or location.startswith("git@")
    if revision is None and not is_remote:
        return Version(find_layout(Path(location)))
    from tagpipe.io.repository.revisions import read_at_revision
    from tagpipe.io.repository.yaml_file import parse_yaml

    tree = parse_yaml(read_at_revision(location, revision, DVC_FILE), file=DVC_FILE)
    return Version(Layout(Path(), parse_stages(tree, file=DVC_FILE)), location, revision)


def verify_version(version: Version, *, keys: tuple[str, ...] = tuple(table_schemas("integer"))) -> dict[str, str]:
    """Path -> digest of the tables `keys` (every table), each equal to the manifest's; the content's in any case.

    Raises IntegrityError (exit 7) naming every file that is missing, unreadable or has other values.
    """
    try:
        manifest = version.read_report(Manifest)
        report = version.read_report(ThresholdReport)
    except InputError as error:
        raise IntegrityError(
            error.what, file=error.file, field=error.field, found=error.found, expected=error.expected, fix=error.fix
        ) from None
    tables: dict[str, pa.Table] = {}
    found: dict[str, str] = {}
    wrong: list[str] = []

    def check(key: str) -> None:
        path = _table_path(version, key)
        found[path] = table_sha256(tables[key], table_schemas(_id_kind(tables[key]))[key])
        recorded = manifest.tables.get(key)
        if recorded is None or found[path] != recorded.sha256:
            wrong.append(f"{path}: digest {found[path]}, the manifest has {recorded and recorded.sha256}")

    for key in dict.fromkeys([*keys, *_CONTENT]):
        try:
            tables[key] = version.read_table(key)
        except InputError as error:
            wrong.append(f"{_table_path(version, key)}: {error.what}")
        else:
            if key in keys:
                check(key)
    if not wrong:
        content = content_sha256(*(tables[key] for key in _CONTENT))
        if content != manifest.content_sha256:
            for key in set(_CONTENT) - set(keys):  # which of the two it is
                check(key)
        for path, recorded in (
            (version.path_of("threshold", "manifest.json"), manifest.content_sha256),
            (version.path_of("threshold", "threshold.json"), report.content_sha256),
        ):
            if recorded != content:
                wrong.append(f"{path}: content_sha256 {recorded}, the tables give {content}")
    if wrong:
        raise IntegrityError(
            f"{len(wrong)} file{'s differ' if len(wrong) > 1 else ' differs'} from the manifest",
            file=wrong[0].split(": ", 1)[0],
            fix="Restore with `dvc checkout`, or build anew with `tagpipe run`",
            details=tuple(wrong),
        )
    return {**found, "content": manifest.content_sha256}


def _table_path(version: Version, key: str) -> str:
    stage, name = key.split("/")
    return version.path_of(stage, f"{name}.parquet")


def _id_kind(table: pa.Table) -> IdType:
    """The type of ids, where the table has any."""
    if "project_id" in table.column_names:
        table = table.select(["project_id"]).rename_columns(["id"])
    return id_kind_of(table) if "id" in table.column_names else "integer"

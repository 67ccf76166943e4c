"""ReceivedRows projects to the validated table: every row is kept, collapsed or rejected with a reason, never lost."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import ConfigError, GuardError, InputError, escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import ReceivedRows, Record, RowFailure
from tagpipe.tables.schemas import (
    LATEST,
    ROW,
    TIMESTAMP,
    Rejection,
    check_table,
    checked_projects,
    id_kind_of,
    received_projects,
    validated_projects,
)
from tagpipe.tables.tag_lists import Bools, Int64s, TagLists, tag_lists_of, take_rows

# A date, or a date and a time to at least the minute, with up to nine decimals and perhaps an offset.
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?)?$"
)
_PLAIN_LENGTH = len("2026-01-31 12:00:00")
_PANDERA_REASONS = {"not_nullable": Rejection.MISSING}


@dataclass(frozen=True)
class ValidatedProjects:
    """The rows that passed, with the columns of `schemas.validated_projects` and tags coded.

    rows: in the order of the source. order: indices of `rows` by ascending id. n_in = rows + n_duplicates + n_rejected.
    """

    rows: pa.Table
    order: Int64s
    n_in: int
    n_duplicates: int
    rejected: tuple[Record, ...]

    @cached_property
    def table(self) -> pa.Table:
        """The rows by ascending id, as data/validated/projects.parquet has them. Checked by pandera once more."""
        import pandas as pd

        table = take_rows(self.rows, self.order)
        lengths = table.column("tags").combine_chunks().value_lengths()
        frame = table.set_column(table.num_columns - 1, "tags", lengths).to_pandas(types_mapper=pd.ArrowDtype)
        checked_projects(id_kind_of(table), table.column_names[2:-1]).validate(frame)
        return table

    @property
    def used_tags(self) -> pa.StringArray:
        """The distinct raw tags of the rows."""
        return tag_lists_of(self.rows.column("tags")).used_values

    @property
    def n_rejected(self) -> int:
        return len(self.rejected)

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rows per reason (each row counts once, under its first reason); every reason, in order."""
        counts = dict.fromkeys((str(reason) for reason in Rejection), 0)
        for row in self.rejected:
            counts[row["reason"]] += 1
        return counts


def validate_projects(received: ReceivedRows, params: ValidateParams, *, file: str) -> ValidatedProjects:
    """Check, de-duplicate and sort the rows.

    Raises GuardError (exit 4) where more than `max_rejected` of the rows fail, InputError where none is left.
    """
    table, failures = _parse_created_on(received, params)
    failures += _check_rows(table, params)
    table = _drop_rows(table, {failure.row for failure in failures})
    table, order, n_duplicates, contradictions = _collapse_duplicates(table, params)
    failures += contradictions
    rejected = tuple(_describe_rejected(received, failures, params))
    _guard(rejected, received.n_rows, params, file=file)
    if received.n_rows != table.num_rows + n_duplicates + len(rejected):
        raise AssertionError("rows in do not equal rows kept, collapsed and rejected")
    return ValidatedProjects(_finish_table(table, params), order, received.n_rows, n_duplicates, rejected)


def _parse_created_on(received: ReceivedRows, params: ValidateParams) -> tuple[pa.Table, list[RowFailure]]:
    """The table with `created_on` as a timestamp (null if missing), and the rows whose text is no time."""
    table, failures = received.table, list(received.failures)
    if "created_on" not in params.fields:
        return table.append_column("created_on", pa.nulls(table.num_rows, TIMESTAMP)), failures
    written = table.column("created_on")
    if params.created_on == "iso":
        times = _parse_iso(written)
        wrong = pc.and_(pc.is_null(times), pc.is_valid(written))
        failures += [
            RowFailure(row, params.fields["created_on"], Rejection.BAD_TIMESTAMP, escape_shown(text))
            for row, text in zip(
                table.column(ROW).filter(wrong).to_pylist(), written.filter(wrong).to_pylist(), strict=True
            )
        ]
    else:
        times = _from_epoch(written, per_second=1 if params.created_on == "epoch_s" else 1000)
    return table.set_column(table.column_names.index("created_on"), "created_on", times), failures


def _parse_iso(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """UTC timestamps of ISO 8601 texts; null where a text is none, or names a day that does not exist."""
    return pa.chunked_array([_parse_iso_chunk(chunk) for chunk in texts.chunks], TIMESTAMP)


def _parse_iso_chunk(texts: pa.StringArray) -> pa.Array:
    import pandas as pd

    if pc.all(pc.equal(pc.binary_length(texts), _PLAIN_LENGTH), min_count=0).as_py():
        # Texts of this length can only be a date and a time to the second; Arrow reads them ten times as fast.
        with contextlib.suppress(pa.ArrowInvalid):
            return texts.cast(pa.timestamp("us")).cast(TIMESTAMP)
    texts = pc.if_else(pc.match_substring_regex(texts, _ISO), texts, pa.scalar(None, pa.string()))
    series = texts.to_pandas(types_mapper=pd.ArrowDtype)
    times = pd.to_datetime(series, format="ISO8601", utc=True, errors="coerce")
    return pa.Array.from_pandas(times.to_numpy("datetime64[us]"), type=pa.timestamp("us")).cast(TIMESTAMP)


def _from_epoch(counts: pa.ChunkedArray, *, per_second: int) -> pa.ChunkedArray:
    """UTC timestamps of integers; those far out of range are moved to its edge, where the check refuses them."""
    latest = int(np.datetime64(LATEST[:19], "s").astype(np.int64)) * per_second
    clipped = pc.min_element_wise(pc.max_element_wise(counts, -1, skip_nulls=False), latest, skip_nulls=False)
    return pc.multiply(clipped, 1_000_000 // per_second).cast(TIMESTAMP)


def _check_rows(table: pa.Table, params: ValidateParams) -> list[RowFailure]:
    """What pandera finds wrong, all of it, over whole columns."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    assert_pandera_checks()
    schema = received_projects(params.required, params.text_fields, params.id)
    lengths = pa.chunked_array([chunk.value_lengths() for chunk in table.column("tags").chunks], type=pa.int32())
    frame = table.set_column(table.column_names.index("tags"), "tags", lengths).to_pandas(types_mapper=pd.ArrowDtype)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    if cases["index"].isna().any():
        raise AssertionError(f"pandera refused the table itself: {cases['check'].tolist()[:5]}")
    rows = table.column(ROW).to_numpy()
    return [
        RowFailure(
            int(rows[int(index)]),
            params.fields[column],
            _PANDERA_REASONS.get(check) or Rejection(check),
            escape_shown(None if check == "not_nullable" else case if isinstance(case, str) else str(case)),
        )
        for column, check, case, index in zip(
            cases["column"], cases["check"], cases["failure_case"], cases["index"], strict=True
        )
    ]


def assert_pandera_checks() -> None:
    """Raise ConfigError if the environment has switched pandera's checks off (it then passes everything)."""
    from pandera.config import ValidationDepth, get_config_context

    config = get_config_context()
    if not config.validation_enabled or config.validation_depth not in (
        None,
        ValidationDepth.SCHEMA_AND_DATA,
    ):
        raise ConfigError(
            "pandera's checks are switched off in the environment",
            field="PANDERA_VALIDATION_ENABLED or PANDERA_VALIDATION_DEPTH",
            fix="Unset both and run again",
        )


def _drop_rows(table: pa.Table, rows: set[int]) -> pa.Table:
    if not rows:
        return table
    return table.filter(pc.invert(pc.is_in(table.column(ROW), pa.array(sorted(rows), pa.int64()))))


def _collapse_duplicates(table: pa.Table, params: ValidateParams) -> tuple[pa.Table, Int64s, int, list[RowFailure]]:
    """(each id once, its rows by ascending id, how many identical rows went, contradictory rows as failures)."""
    order = np.asarray(pc.sort_indices(table.column("id"))).astype(np.int64)
    ids = table.column("id").combine_chunks().take(pa.array(order))
    repeats = np.asarray(pc.equal(ids[1:], ids[:-1])) if len(ids) > 1 else np.zeros(0, dtype=bool)
    if not repeats.any():
        return table, order, 0, []
    pairs = np.flatnonzero(repeats)
    groups = np.concatenate([[0], np.cumsum(~repeats)])
    contradictory = np.zeros(groups[-1] + 1, dtype=bool)
    contradictory[groups[pairs[~_rows_equal(table, order[pairs], order[pairs + 1])]]] = True
    is_rejected = contradictory[groups]
    is_repeat = np.concatenate([[False], repeats]) & ~is_rejected
    wrong = table.select([ROW, "id"]).take(pa.array(order[is_rejected]))
    failures = [
        RowFailure(row, params.fields["id"], Rejection.CONTRADICTORY_DUPLICATE, escape_shown(project_id))
        for row, project_id in zip(wrong.column(ROW).to_pylist(), wrong.column("id").to_pylist(), strict=True)
    ]
    stays = np.ones(table.num_rows, dtype=bool)
    stays[order[is_rejected | is_repeat]] = False
    new_row = np.cumsum(stays) - 1
    kept_order = new_row[order[~(is_rejected | is_repeat)]]
    return table.filter(pa.array(stays)), kept_order, int(is_repeat.sum()), failures


def _rows_equal(table: pa.Table, left: Int64s, right: Int64s) -> Bools:
    """Whether rows `left[i]` and `right[i]` hold the same in every field (the row number aside)."""
    equal = np.ones(len(left), dtype=bool)
    for name in table.column_names:
        if name in (ROW, "tags"):
            continue
        column = table.column(name)
        if pa.types.is_string(column.type):
            column = pc.fill_null(column, "")  # missing text is empty text
        ours, theirs = column.take(pa.array(left)), column.take(pa.array(right))
        both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
        equal &= np.asarray(pc.or_(both_null, pc.fill_null(pc.equal(ours, theirs), False)))
    tags = tag_lists_of(table.column("tags"))
    ours, theirs = tags.take(left), tags.take(right)
    equal &= ours.lengths == theirs.lengths
    same = np.flatnonzero(equal)
    equal[same] = _lists_equal(ours.take(same), theirs.take(same))
    return equal


def _lists_equal(ours: TagLists, theirs: TagLists) -> Bools:
    """Whether lists of equal lengths are equal."""
    n_different = np.concatenate([[0], np.cumsum(ours.codes != theirs.codes)])
    return np.asarray(n_different[ours.offsets[1:]] == n_different[ours.offsets[:-1]])


def _describe_rejected(received: ReceivedRows, failures: list[RowFailure], params: ValidateParams) -> Iterator[Record]:
    """One record a rejected row, by row: its first reason, further ones in `also`, and the row as received."""
    by_row: dict[int, list[RowFailure]] = defaultdict(list)
    for failure in failures:
        by_row[failure.row].append(failure)
    for row, record in received.read_rows(sorted(by_row)):
        first, *rest = sorted(by_row[row], key=lambda failure: (failure.field or "", failure.reason))
        yield {
            "row": row,
            "id": record.get(params.fields["id"]) if isinstance(record, dict) else None,
            "field": first.field,
            "reason": str(first.reason),
            "found": first.found,
            "also": [[failure.field, str(failure.reason)] for failure in rest],
            "record": record,
        }


def _guard(rejected: tuple[Record, ...], n_in: int, params: ValidateParams, *, file: str) -> None:
    if n_in == len(rejected):
        raise InputError(
            f"all {n_in} rows were rejected",
            file=file,
            row=rejected[0]["row"],
            field=rejected[0]["field"],
            found=rejected[0]["found"],
            fix="Check validate.fields, validate.id and validate.created_on in params.yaml against the source",
            details=tuple(_line(row) for row in rejected),
        )
    if len(rejected) > params.max_rejected * n_in:
        raise GuardError(
            f"{len(rejected)} of {n_in} rows were rejected ({len(rejected) / n_in:.1%})",
            file=file,
            row=rejected[0]["row"],
            field=rejected[0]["field"],
            found=rejected[0]["found"],
            expected=f"at most {params.max_rejected:.1%} (validate.max_rejected)",
            fix="Correct the rows, or raise validate.max_rejected in params.yaml if they may go",
            details=tuple(_line(row) for row in rejected),
        )


def _line(row: Record) -> str:
    return (
        f"row {row['row']}, id {escape_shown(row['id'])}, field {row['field']}: {row['reason']}, found {row['found']}"
    )


def _finish_table(table: pa.Table, params: ValidateParams) -> pa.Table:
    """Columns in the order and types of the schema, missing text as empty text."""
    schema = validated_projects(params.id, params.text_fields)
    columns = {
        name: pc.fill_null(table.column(name), "") if name in params.text_fields else table.column(name)
        for name in schema.names
    }
    columns["tags"] = pa.chunked_array([tag_lists_of(table.column("tags")).to_arrow()])
    # One chunk a column: rows are later gathered in slices, which is several times slower from many chunks.
    return check_table(pa.table(columns).combine_chunks(), schema)

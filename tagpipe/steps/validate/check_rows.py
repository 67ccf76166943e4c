"""Received projects to the validated table: every row is kept, collapsed or rejected with a reason, never lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import ConfigError, GuardError, InputError, escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.created_on import guess_unit, parse_created_on
from tagpipe.steps.validate.duplicates import collapse_duplicates
from tagpipe.steps.validate.received_rows import ReceivedRows, Record, RowFailure
from tagpipe.tables.schemas import (
    ROW,
    Rejection,
    check_table,
    checked_projects,
    id_kind_of,
    received_projects,
    validated_projects,
)
from tagpipe.tables.tag_lists import Int64s, tag_lists_of, take_rows

_PANDERA_REASONS = {"not_nullable": Rejection.MISSING}


@dataclass(frozen=True)
class ValidatedProjects:
    """The rows that passed, and what became of the others: n_in = rows + n_duplicates + n_rejected."""

    rows: pa.Table
    """The columns of `schemas.validated_projects`, tags coded, in the order of the source."""
    order: Int64s
    """Indices of `rows` by ascending id."""
    n_in: int
    n_duplicates: int
    """Identical rows left out."""
    rejected: tuple[Record, ...]
    """The lines of rejected.jsonl, by row."""

    @cached_property
    def table(self) -> pa.Table:
        """The rows by ascending id, as data/validated/projects.parquet has them, checked once more by pandera."""
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
    if unit := guess_unit(received, params):
        raise _wrong_unit(received, params, unit, file=file)
    table, failures = parse_created_on(received, params)
    failures += _check_rows(table, params, received.table)
    table = _drop_rows(table, {failure.row for failure in failures})
    table, order, n_duplicates, contradictions = collapse_duplicates(table, params)
    failures += contradictions
    rejected = tuple(_describe_rejected(received, failures, params))
    _guard(rejected, received.n_rows, params, file=file)
    if received.n_rows != table.num_rows + n_duplicates + len(rejected):
        raise AssertionError("rows in do not equal rows kept, collapsed and rejected")
    return ValidatedProjects(_finish_table(table, params), order, received.n_rows, n_duplicates, rejected)


def _wrong_unit(received: ReceivedRows, params: ValidateParams, unit: str, *, file: str) -> GuardError:
    counts = received.table.column("created_on")
    index = next(index for index, count in enumerate(counts) if count.is_valid)
    return GuardError(
        f"most dates are plausible as {unit}, and few or none as {params.created_on}",
        file=file,
        row=received.table.column(ROW)[index].as_py(),
        field=params.fields["created_on"],
        found=escape_shown(counts[index].as_py()),
        fix=f"Set validate.created_on: {unit} in params.yaml, or correct the numbers",
    )


def _check_rows(table: pa.Table, params: ValidateParams, received: pa.Table) -> list[RowFailure]:
    """Every failure that pandera finds, checking whole columns. received: the same rows, before dates were parsed."""
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
            escape_shown(received.column(column)[int(index)].as_py() if column != "tags" else None),
        )
        for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True)
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


def _describe_rejected(received: ReceivedRows, failures: list[RowFailure], params: ValidateParams) -> Iterator[Record]:
    """A line of rejected.jsonl for each rejected row: its first reason, the others in `also`, the row as received."""
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

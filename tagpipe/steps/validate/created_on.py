"""Times as a source writes them, to UTC timestamps."""

from __future__ import annotations

import contextlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import ReceivedRows, RowFailure
from tagpipe.tables.schemas import LATEST, ROW, TIMESTAMP, Rejection

# A date, or a date and a time to at least the minute, with up to nine decimals and an optional offset.
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?)?$"
)


_BEYOND_MICROSECONDS = r"(\.[0-9]{6})[0-9]+"

_PLAIN_LENGTH = len("2026-01-31 12:00:00")


def parse_created_on(received: ReceivedRows, params: ValidateParams) -> tuple[pa.Table, list[RowFailure]]:
    """The table with `created_on` as a timestamp (null if missing), and a failure for each text that is not a time."""
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


def guess_unit(received: ReceivedRows, params: ValidateParams) -> str | None:
    """The unit that fits epochs better than the one in `params`; None if that is plausible, or nobody can tell.

    A unit is plausible for a number that it places after 1973 and before 2200: no number is so in both.
    """
    if params.created_on == "iso" or "created_on" not in params.fields:
        return None
    counts = received.table.column("created_on").drop_null().to_numpy()
    n_seconds, n_milliseconds = (
        int(((counts >= first) & (counts < first * _UNITS_APART)).sum()) for first in (_FIRST_S, _FIRST_S * 1000)
    )
    fits = {"epoch_s": n_seconds, "epoch_ms": n_milliseconds}
    other = "epoch_ms" if params.created_on == "epoch_s" else "epoch_s"
    return other if fits[other] > max(fits[params.created_on], len(counts) // 2) else None


_FIRST_S = 100_000_000  # March 1973; so many milliseconds are two days of January 1970
_UNITS_APART = 72  # up to the year 2198


def _parse_iso(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """UTC timestamps of ISO 8601 texts; null where a text is not one, or names a day that does not exist."""
    return pa.chunked_array([_parse_iso_chunk(chunk) for chunk in texts.chunks], TIMESTAMP)


def _parse_iso_chunk(texts: pa.StringArray) -> pa.Array:
    import pandas as pd

    if pc.all(pc.equal(pc.binary_length(texts), _PLAIN_LENGTH), min_count=0).as_py():
        # Texts of this length can only be a date and a time to the second; Arrow reads them ten times as fast.
        with contextlib.suppress(pa.ArrowInvalid):
            return texts.cast(pa.timestamp("us")).cast(TIMESTAMP)
    texts = pc.if_else(pc.match_substring_regex(texts, _ISO), texts, pa.scalar(None, pa.string()))
    # With one text of more decimals, pandas 3.1 counts nanoseconds for all of them, which end in the year 2262.
    texts = pc.replace_substring_regex(texts, _BEYOND_MICROSECONDS, r"\1")
    series = texts.to_pandas(types_mapper=pd.ArrowDtype)
    times = pd.to_datetime(series, format="ISO8601", utc=True, errors="coerce")
    return pa.Array.from_pandas(times.to_numpy("datetime64[us]"), type=pa.timestamp("us")).cast(TIMESTAMP)


def _from_epoch(counts: pa.ChunkedArray, *, per_second: int) -> pa.ChunkedArray:
    """UTC timestamps of integers; those far out of range are moved to its edge, where the check refuses them."""
    latest = int(np.datetime64(LATEST[:19], "s").astype(np.int64)) * per_second
    clipped = pc.min_element_wise(pc.max_element_wise(counts, -1, skip_nulls=False), latest, skip_nulls=False)
    return pc.multiply(clipped, 1_000_000 // per_second).cast(TIMESTAMP)

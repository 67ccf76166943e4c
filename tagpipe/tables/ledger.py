"""The ledger: one row for every tag use, and its outcome."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.schemas import Outcome
from tagpipe.tables.tag_lists import Int64s, decode_codes, offsets_of

Outcomes = npt.NDArray[np.uint8]
"""Outcomes of tag uses, by their codes."""

OUTCOMES = tuple(Outcome)
"""Code -> outcome."""

OUTCOME_CODE = {outcome: np.uint8(code) for code, outcome in enumerate(OUTCOMES)}


def count_outcomes(outcomes: Outcomes) -> dict[str, int]:
    """Uses per outcome, every outcome in order."""
    # One pass a code over single bytes: numpy's bincount would first copy them as integers of eight bytes.
    return {str(outcome): int(np.count_nonzero(outcomes == OUTCOME_CODE[outcome])) for outcome in OUTCOMES}


def read_ledger(ledger: pa.Table, projects: pa.Table) -> tuple[Outcomes, Int64s]:
    """(code of every use, offsets of each project's uses) of a ledger; both tables are ordered by project id."""
    names, codes = decode_codes(ledger.column("outcome"))
    outcome_of = np.array([OUTCOME_CODE[Outcome(name)] for name in names.to_pylist()], dtype=np.uint8)
    if not ledger.num_rows:
        return np.zeros(0, dtype=np.uint8), np.zeros(projects.num_rows + 1, dtype=np.int64)
    ids = ledger.column("project_id").combine_chunks()
    starts = np.flatnonzero(np.concatenate([[True], np.asarray(pc.not_equal(ids[1:], ids[:-1]))]))
    # Projects without a tag have no row in the ledger.
    rows = np.asarray(pc.index_in(ids.take(pa.array(starts)), value_set=projects.column("id").combine_chunks()))
    lengths = np.zeros(projects.num_rows, dtype=np.int64)
    lengths[rows] = np.diff(np.append(starts, len(ids)))
    return outcome_of[codes], offsets_of(lengths)

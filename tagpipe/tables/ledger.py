"""The ledger: one row for every tag use, and its outcome."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.schemas import Outcome
from tagpipe.tables.tag_lists import Int64s, decode_codes, offsets_of

OUTCOMES = tuple(Outcome)
"""Outcomes by their code in the arrays."""


OUTCOME_CODE = {outcome: np.uint8(code) for code, outcome in enumerate(OUTCOMES)}


Outcomes = npt.NDArray[np.uint8]


def count_outcomes(outcomes: Outcomes) -> dict[str, int]:
    """Uses per outcome, every outcome in order."""
    # One pass a code over bytes: bincount would first copy them as integers of eight.
    return {str(outcome): int(np.count_nonzero(outcomes == OUTCOME_CODE[outcome])) for outcome in OUTCOMES}


def read_ledger(ledger: pa.Table, projects: pa.Table) -> tuple[Outcomes, Int64s]:
    """(index into OUTCOMES of every use of the ledger's table, offsets of each project's uses).

    Both tables are ordered by project id.
    """
    names, codes = decode_codes(ledger.column("outcome"))
    outcome_of = np.array([OUTCOMES.index(Outcome(name)) for name in names.to_pylist()], dtype=np.uint8)
    if not ledger.num_rows:
        return np.zeros(0, dtype=np.uint8), np.zeros(projects.num_rows + 1, dtype=np.int64)
    ids = ledger.column("project_id").combine_chunks()
    begins = np.flatnonzero(np.concatenate([[True], np.asarray(pc.not_equal(ids[1:], ids[:-1]))]))
    known = projects.column("id").combine_chunks()
    rows = np.asarray(pc.index_in(ids.take(pa.array(begins)), value_set=known))
    lengths = np.zeros(projects.num_rows, dtype=np.int64)
    lengths[rows] = np.diff(np.append(begins, len(ids)))
    return outcome_of[codes], offsets_of(lengths)

"""The tags that annotation.json ranks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tagpipe.steps.annotate.report import rank_names


@pytest.mark.parametrize(
    ("n_most", "ranked"),
    [
        (1, [("b", 3)]),
        (2, [("b", 3), ("a", 2)]),
        (3, [("b", 3), ("a", 2), ("e", 2)]),
        (4, [("b", 3), ("a", 2), ("e", 2), ("d", 1)]),
        (9, [("b", 3), ("a", 2), ("e", 2), ("d", 1)]),
    ],
)
def test_only_the_largest_counts_are_ranked_and_equal_ones_by_name(n_most: int, ranked: list[tuple[str, int]]) -> None:
    names, counts = pa.array(["e", "d", "c", "b", "a"]), np.array([2, 1, 0, 3, 2])
    assert [tuple(pair) for pair in rank_names(names, counts, n_most=n_most)] == ranked

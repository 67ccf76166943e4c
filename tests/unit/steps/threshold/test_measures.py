"""Measures of a multi-label dataset, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tagpipe.steps.threshold.measures import cardinality, density, imbalance


@pytest.mark.parametrize(("n_uses", "n_projects", "mean"), [(7, 4, 1.75), (4, 4, 1.0), (0, 3, 0.0), (0, 0, 0.0)])
def test_cardinality(n_uses: int, n_projects: int, mean: float) -> None:
    assert cardinality(n_uses, n_projects) == mean


@pytest.mark.parametrize(
    ("n_uses", "n_projects", "n_tags", "share"), [(7, 4, 7, 0.25), (12, 4, 3, 1.0), (0, 4, 3, 0.0), (0, 0, 0, 0.0)]
)
def test_density(n_uses: int, n_projects: int, n_tags: int, share: float) -> None:
    assert density(n_uses, n_projects, n_tags) == share


@pytest.mark.parametrize(
    ("supports", "mean_ir", "max_ir"),
    [
        ([4, 2, 1], (1 + 2 + 4) / 3, 4.0),
        ([1, 2, 4], (1 + 2 + 4) / 3, 4.0),
        ([5], 1.0, 1.0),
        ([3, 3], 1.0, 1.0),
        ([], 0.0, 0.0),
    ],
)
def test_imbalance(supports: list[int], mean_ir: float, max_ir: float) -> None:
    found = imbalance(np.array(supports, dtype=np.int64))
    assert (found.mean_ir, found.max_ir) == pytest.approx((mean_ir, max_ir))

"""The monitor's statistics against other ways to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tagpipe.steps.monitor.statistics import (
    adjust_p,
    burst_p,
    rising_p,
    round_significant,
    trend_score,
    wilson_interval,
)

SIZES = [60, 55, 80, 50]
TABLES = [[1, 3, 9, 12], [12, 9, 3, 1], [5, 5, 7, 5], [0, 0, 0, 20], [60, 55, 80, 49], [1, 0, 0, 0]]
"""Projects with the tag in each period."""


def score(table: list[int]) -> float:
    sums = sum(at * count for at, count in enumerate(table))
    return float(trend_score(np.array([sum(table)]), np.array([sums]), np.array(SIZES))[0])


@pytest.mark.parametrize("table", TABLES)
def test_the_trend_is_the_correlation_of_having_the_tag_with_the_period(table: list[int]) -> None:
    """z ** 2 is N times the squared correlation of 0 and 1 with the scores (Agresti 2013, section 3.4)."""
    periods = [at for at, size in enumerate(SIZES) for _ in range(size)]
    has_tag = [int(at < count) for count, size in zip(table, SIZES, strict=True) for at in range(size)]
    expected = math.sqrt(sum(SIZES)) * stats.pearsonr(periods, has_tag).statistic
    assert score(table) == pytest.approx(expected)
    assert rising_p(np.array([expected]))[0] == pytest.approx(1 - stats.norm.cdf(expected))


@pytest.mark.parametrize("table", TABLES[:3])
def test_the_trend_is_about_as_likely_as_among_permutations(table: list[int]) -> None:
    periods = np.repeat(np.arange(4), SIZES)
    has_tag = np.concatenate([np.arange(size) < count for count, size in zip(table, SIZES, strict=True)])
    found = stats.permutation_test(
        (periods,),
        lambda shuffled, axis: np.sum(shuffled * has_tag, axis=axis),
        permutation_type="pairings",
        n_resamples=4_000,
        alternative="greater",
        vectorized=True,
        rng=np.random.default_rng(5),
    )
    assert rising_p(np.array([score(table)]))[0] == pytest.approx(found.pvalue, abs=0.05)


def test_nothing_that_can_vary_has_no_trend() -> None:
    sizes = np.array([10, 10])
    assert trend_score(np.array([20, 0]), np.array([10, 0]), sizes).tolist() == [0.0, 0.0]
    assert trend_score(np.array([3]), np.array([0]), np.array([10])).tolist() == [0.0]


@pytest.mark.parametrize("table", [[2, 3, 9, 12], [1, 0, 0, 0], [0, 0, 0, 9], [60, 55, 80, 50], [9, 9, 0, 0]])
def test_the_burst_is_fishers_exact_test(table: list[int]) -> None:
    recent, before = sum(table[2:]), sum(table[:2])
    n_recent, n_before = sum(SIZES[2:]), sum(SIZES[:2])
    exact = stats.fisher_exact([[recent, n_recent - recent], [before, n_before - before]], alternative="greater")
    p = burst_p(np.array([recent]), np.array([sum(table)]), n_recent_projects=n_recent, n_projects=sum(SIZES))
    assert p[0] == pytest.approx(exact.pvalue, rel=1e-9)


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04]
    expected = []
    for value in p:
        larger = [each for each in p if each >= value]
        expected.append(min(each * len(p) / sum(other <= each for other in p) for each in larger))
    assert adjust_p(np.array(p)).tolist() == pytest.approx(expected)
    assert len(adjust_p(np.zeros(0))) == 0


@pytest.mark.parametrize(("n_with", "n_all"), [(29, 2029), (0, 5), (5, 5), (1, 1)])
def test_the_interval_is_wilsons(n_with: int, n_all: int) -> None:
    z = 1.959963984540054
    share = n_with / n_all
    middle = share + z**2 / (2 * n_all)
    half = z * math.sqrt(share * (1 - share) / n_all + z**2 / (4 * n_all**2))
    low, high = ((middle + side * half) / (1 + z**2 / n_all) for side in (-1, 1))
    assert wilson_interval(n_with, n_all) == pytest.approx((low, high), abs=1e-12)


def test_six_digits_are_left() -> None:
    assert [round_significant(each) for each in (2 / 3, 1.5e-300, 0.0, 1.0)] == [0.666667, 1.5e-300, 0.0, 1.0]

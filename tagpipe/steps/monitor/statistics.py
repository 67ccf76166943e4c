"""The statistics of the new-tag monitor, each over all tags at once, from SciPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tagpipe.tables.tag_lists import Int64s

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
SIGNIFICANT_DIGITS = 6
"""Digits of every fraction and p-value in a report; further ones may differ between versions of libm and SciPy."""


def trend_score(n_uses: Int64s, score_sums: Int64s, sizes: Int64s) -> Floats:
    """The Cochran-Armitage score statistic z of each tag; above 0 where its share of the projects rises.

    n_uses: projects with the tag. score_sums: over these, the sum of the scores of their periods (0, 1, 2, ...).
    sizes: projects of each period. With N = sum(sizes), p = n_uses / N and m the mean score of all projects,

        z = (score_sums - n_uses * m) / sqrt(p * (1 - p) * (sum(sizes * scores ** 2) - N * m ** 2))

    is standard normal where there is no trend (Armitage 1955, "Tests for linear trends in proportions and
    frequencies", Biometrics 11; Cochran 1954). SciPy does not offer this test. z is 0 where nothing can vary.
    """
    scores = np.arange(len(sizes))
    n_all = int(sizes.sum())
    mean = int((sizes * scores).sum()) / max(n_all, 1)
    spread = int((sizes * scores**2).sum()) - n_all * mean**2
    share = n_uses / max(n_all, 1)
    deviation = np.sqrt(np.maximum(share * (1 - share) * spread, 0.0))
    z: Floats = np.divide(score_sums - n_uses * mean, deviation, out=np.zeros(len(n_uses)), where=deviation > 0)
    return z


def rising_p(z: Floats) -> Floats:
    """One-sided p of each trend score: the probability of such a rise, or a steeper one, if there is no trend."""
    from scipy.stats import norm

    p: Floats = norm.sf(z)
    return p


def burst_p(n_recent: Int64s, n_uses: Int64s, *, n_recent_projects: int, n_projects: int) -> Floats:
    """One-sided p of Fisher's exact test: the probability of so many recent uses, or more, if time does not matter.

    n_uses: projects with each tag. n_recent: those of them that are in the recent periods. n_recent_projects: all
    projects in the recent periods, of n_projects.

    It is the upper tail of the hypergeometric distribution (Fisher 1934, Statistical Methods for Research Workers).
    """
    from scipy.stats import hypergeom

    p: Floats = hypergeom.sf(n_recent - 1, n_projects, n_recent_projects, n_uses)
    # SciPy takes the tail from Boost, whose sum of many terms can end an ulp outside 0-1.
    return np.clip(p, 0.0, 1.0)


def adjust_p(p: Floats) -> Floats:
    """q-values: the least false discovery rate at which each test is significant (Benjamini & Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    if not len(p):
        return p
    q: Floats = false_discovery_control(p, method="bh")
    return q


def wilson_interval(n_with: int, n_all: int) -> tuple[float, float]:
    """The Wilson score interval of n_with / n_all at 95 % (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(n_with, n_all).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def round_significant(value: float) -> float:
    """`value` to six significant digits.

    >>> round_significant(1 / 3), round_significant(123_456_789.0)
    (0.333333, 123457000.0)
    """
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")

"""Measures of a multi-label dataset."""

from __future__ import annotations

from tagpipe.tables.reports.threshold import Imbalance
from tagpipe.tables.tag_lists import Int64s


def cardinality(n_uses: int, n_projects: int) -> float:
    """Mean number of tags per project (Tsoumakas & Katakis 2007); 0 without projects.

    >>> cardinality(6, 4)
    1.5
    """
    return n_uses / n_projects if n_projects else 0.0


def density(n_uses: int, n_projects: int, n_tags: int) -> float:
    """Cardinality divided by the number of tags, 0-1 (Tsoumakas & Katakis 2007); 0 without tags.

    >>> density(6, 4, 3)
    0.5
    """
    return cardinality(n_uses, n_projects) / n_tags if n_tags else 0.0


def imbalance(supports: Int64s) -> Imbalance:
    """Mean and maximum over the tags of IRLbl, the largest support divided by the tag's own
    (Charte et al. 2015, "Addressing imbalance in multilabel classification"); 0 without tags.
    """
    if not len(supports):
        return Imbalance(mean_ir=0.0, max_ir=0.0)
    ratios = supports.max() / supports
    return Imbalance(mean_ir=float(ratios.mean()), max_ir=float(ratios.max()))

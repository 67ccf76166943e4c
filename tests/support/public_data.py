"""The public Made With ML data beside the repository, and what the lesson that it comes from excludes."""

from __future__ import annotations

import pytest

from support.paths import DATASETS

NEEDS_DATASETS = pytest.mark.skipif(
    not DATASETS.is_dir(), reason="the public datasets are not there: ../shared/datasets, beside the repository"
)
EXCLUDE = [
    "machine-learning",
    "deep-learning",
    "data-science",
    "neural-networks",
    "python",
    "r",
    "visualization",
    "natural-language-processing",
    "computer-vision",
]

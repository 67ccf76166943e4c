"""A dataset version as it is loaded into Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from tagpipe.dataset.summary import Reports, Summary, summarize
from tagpipe.tables.reports.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Dataset:
    """One labeled dataset version."""

    manifest: Manifest = field(repr=False)
    """Counts, parameters, digests."""
    reports: Reports = field(repr=False)
    _projects: pa.Table = field(repr=False, compare=False)
    _tags: pa.Table = field(repr=False, compare=False)

    def __repr__(self) -> str:
        n_projects, n_tags = self._projects.num_rows, len(self.tag_names)
        return f"<Dataset {self.content_sha256[:12]}: {n_projects} projects, {n_tags} tags>"

    @property
    def content_sha256(self) -> str:
        """What identifies the version's content."""
        return self.manifest.content_sha256

    @property
    def projects(self) -> pd.DataFrame:
        """id, created_on (UTC), text, tags (list of kept tags, ascending); by ascending id."""
        frame: pd.DataFrame = self._projects.drop_columns("tags").to_pandas()
        frame["tags"] = self._projects.column("tags").to_pylist()
        return frame

    @property
    def tags(self) -> pd.DataFrame:
        """tag, n_projects, prevalence (0-1), kept: every tag seen, by n_projects descending, then tag."""
        frame: pd.DataFrame = self._tags.to_pandas()
        return frame

    @property
    def tag_names(self) -> list[str]:
        """The kept tags in the order of the columns of `multi_hot`: by n_projects descending, then tag."""
        return list(self._tags.filter(self._tags.column("kept")).column("tag").to_pylist())

    def multi_hot(self) -> csr_array:
        """uint8 matrix, n_projects x n_tags: 1 where the project (row of `projects`) has the tag (`tag_names`)."""
        import numpy as np
        from scipy.sparse import csr_array

        from tagpipe.tables.tag_lists import tag_lists_of

        lists = tag_lists_of(self._projects.column("tags"))
        column_of = {tag: column for column, tag in enumerate(self.tag_names)}
        columns = np.array([column_of[tag] for tag in lists.values.to_pylist()], dtype=np.int32)
        indices = columns[lists.codes] if len(lists.codes) else lists.codes
        shape = (lists.n_rows, len(column_of))
        matrix = csr_array((np.ones(len(indices), dtype=np.uint8), indices, lists.offsets), shape=shape)
        matrix.sort_indices()
        return matrix

    @property
    def summary(self) -> Summary:
        """What `tagpipe summary` shows."""
        return summarize(self.reports)

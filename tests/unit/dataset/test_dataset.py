"""The labeled projects as a matrix, and the frames beside it."""

from __future__ import annotations

import numpy as np
from support.samples import build_tags

from tagpipe.dataset.build import Build, build_manifest
from tagpipe.dataset.dataset import Dataset


def dataset_of(built: Build) -> Dataset:
    tables = built.tables
    manifest = build_manifest(built, tables)
    return Dataset(manifest, built.reports, tables["threshold/projects"], tables["threshold/tags"])


TAGS = (["b", "a"], ["c"], ["rare", "a", "b"], [], ["a", "c"], ["rare2"])
FLAT = "a b c rare rare2"


def test_columns_are_the_kept_tags_by_count_and_rows_the_projects() -> None:
    dataset = dataset_of(build_tags(*TAGS, vocabulary=FLAT, threshold={"min_projects": 2}))
    assert dataset.tag_names == ["a", "b", "c"]
    matrix = dataset.multi_hot()
    assert matrix.shape == (4, 3)
    assert matrix.dtype == np.uint8
    assert matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]]
    assert matrix.has_sorted_indices


def test_rows_and_columns_agree_with_the_frames() -> None:
    dataset = dataset_of(build_tags(*TAGS, vocabulary=FLAT, threshold={"min_projects": 2}))
    dense = dataset.multi_hot().toarray()
    names = np.array(dataset.tag_names)
    assert [sorted(names[row.astype(bool)]) for row in dense] == dataset.projects["tags"].tolist()
    kept = dataset.tags[dataset.tags["kept"]]
    assert kept["tag"].tolist() == dataset.tag_names
    assert kept["n_projects"].tolist() == dense.sum(axis=0).tolist()


def test_unlabeled_projects_that_are_kept_are_rows_of_zeros() -> None:
    built = build_tags(*TAGS, vocabulary=FLAT, threshold={"min_projects": 2, "unlabeled": "keep"})
    matrix = dataset_of(built).multi_hot()
    assert matrix.shape == (6, 3)
    assert matrix.toarray().sum(axis=1).tolist() == [2, 1, 2, 0, 2, 0]


def test_no_tag_kept_gives_a_matrix_without_columns() -> None:
    for unlabeled, n_rows in (("drop", 0), ("keep", 2)):
        built = build_tags(["a"], ["b"], vocabulary=FLAT, threshold={"min_projects": 5, "unlabeled": unlabeled})
        dataset = dataset_of(built)
        assert dataset.multi_hot().shape == (n_rows, 0)
        assert len(dataset.projects) == n_rows
        assert dataset.tag_names == []


def test_frames_have_the_columns_of_the_design() -> None:
    dataset = dataset_of(build_tags(*TAGS, vocabulary=FLAT))
    assert dataset.projects.columns.tolist() == ["id", "created_on", "text", "tags"]
    assert dataset.tags.columns.tolist() == ["tag", "n_projects", "prevalence", "kept"]
    assert str(dataset.projects["created_on"].dt.tz) == "UTC"
    assert dataset.projects["tags"].map(type).eq(list).all()

"""The models of reports: what they read of other versions' files, what they write, what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from support.samples import build_tags, json_of

from tagpipe.comparison.value_changes import pair_measures
from tagpipe.dataset.build import Build, build_manifest
from tagpipe.dataset.compare_builds import side_of
from tagpipe.tables.reports.annotation import AnnotationReport
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.model import FormError, Report, describe_form_error
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import RejectedRow, ValidationReport, VocabularyFile


@pytest.fixture(scope="module")
def built() -> Build:
    return build_tags(["cnn", "zig"], ["cnn"], ["flask"], threshold={"min_projects": 1})


def reports_of(built: Build) -> tuple[Report, ...]:
    return (*built.reports, build_manifest(built, built.tables))


def test_a_report_is_read_as_it_was_written(built: Build) -> None:
    for report in reports_of(built):
        assert type(report).model_validate(json_of(report)) == report
        assert json.dumps(type(report).model_validate(json_of(report)).as_dict()) == json.dumps(report.as_dict())


NOBODY_READS = [
    (ValidationReport, ["schema", "sources"]),
    (AnnotationReport, ["schema", "n_projects", "tag_uses"]),
    (ThresholdReport, ["schema"]),
    (Manifest, ["schema", "counts"]),
]


@pytest.mark.parametrize(("model", "keys"), NOBODY_READS)
def test_an_older_report_without_keys_that_nobody_reads_is_read(
    built: Build, model: type[Report], keys: list[str]
) -> None:
    (report,) = (report for report in reports_of(built) if isinstance(report, model))
    tree = {key: value for key, value in json_of(report).items() if key not in keys}
    model.model_validate(tree)


def test_further_keys_are_let_through_and_written_again(built: Build) -> None:
    for report in reports_of(built):
        tree = {**json_of(report), "of_another_version": {"n": 1}}
        assert json_of(type(report).model_validate(tree)) == tree


def test_parameters_of_a_manifest_are_those_that_were_built_with(built: Build) -> None:
    manifest = Manifest.model_validate(json_of(build_manifest(built, built.tables)))
    params = built.params.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert manifest.params.as_dict() == {name: params[name] for name in ("validate", "annotate", "threshold")}
    older = {name: section for name, section in json_of(manifest)["params"].items() if name != "validate"}
    read = Manifest.model_validate({**json_of(manifest), "params": older})
    assert read.params.as_dict() == older


def test_a_number_that_only_another_version_has_is_a_measure(built: Build) -> None:
    side = side_of(built, "head")
    tree = json_of(side.threshold)
    tree["projects"]["n_of_another_version"] = 3
    other = replace(side, threshold=ThresholdReport.model_validate(tree))
    measures = {change.name: (change.base, change.head) for change in pair_measures(other, side)}
    assert measures["projects.n_of_another_version"] == (3, None)
    assert measures["projects.n_labeled"] == (3, 3)


def error_of(model: type[Report], tree: object) -> FormError:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(tree)
    return describe_form_error(raised.value)


MISFITS: list[tuple[tuple[Any, ...], object, str, str]] = [
    (("most_popular",), "abc", "most_popular", "a valid list"),
    (("most_popular",), ["abc"], "most_popular.0", "a list of two"),
    (("most_popular",), [["a", 1, 2]], "most_popular.0", "a list of two"),
    (("most_popular",), [["a", "1"]], "most_popular.0.1", "a valid integer"),
    (("most_popular",), [["a"]], "most_popular.0.1", "the field to be there"),
    (("projects",), [], "projects", "an object"),
    (("projects", "n_unlabeled"), [3], "projects.n_unlabeled", "an object"),
    (("cardinality",), "1", "cardinality", "a valid number"),
    (("projects", "n_in"), True, "projects.n_in", "a valid integer"),
    (("tags", "kept"), None, "tags.kept", "a valid list"),
]


@pytest.mark.parametrize(("keys", "value", "field", "expected"), MISFITS)
def test_a_misfit_says_where_and_what_was_expected(
    built: Build, keys: tuple[str, ...], value: object, field: str, expected: str
) -> None:
    tree = json_of(built.reports.threshold)
    inner = tree
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    error = error_of(ThresholdReport, tree)
    assert (error.field, error.expected) == (field, expected)


def test_a_file_that_is_no_object_is_named_as_a_whole() -> None:
    assert error_of(VocabularyFile, 5) == FormError("the file", "5", "an object")


def test_a_rejected_row_may_hold_what_no_text_can() -> None:
    tree = {"row": 1, "id": ["\ud800"], "field": None, "reason": "x", "found": "y", "record": {"a": "\udfff"}}
    assert RejectedRow.model_validate(tree).as_dict() == tree

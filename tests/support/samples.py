"""Small inputs for the unit tests: parameters, a vocabulary four levels deep, and rows built in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

from tagpipe.dataset.build import Build, build
from tagpipe.params import Params, ValidateParams, parse_params
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.tables.reports.model import Report
from tagpipe.vocabulary.problems import read_vocabulary
from tagpipe.vocabulary.vocabulary import Vocabulary

PARAMS: dict[str, Any] = {
    "schema": 3,
    "source": {
        "projects": {"path": "projects.json"},
        "vocabulary": {"path": "vocabulary.json"},
        "download": {
            "timeout_s": 10.0,
            "max_bytes": 1000,
            "max_decoded_bytes": 1000,
            "attempts": 1,
            "allow_private": False,
        },
    },
    "validate": {
        "fields": {
            "id": "id",
            "title": "title",
            "description": "description",
            "tags": "tags",
            "created_on": "created_on",
        },
        "id": "integer",
        "required": ["id", "title", "tags"],
        "created_on": "iso",
        "tags_separator": None,
        "max_rejected": 1.0,
    },
    "annotate": {
        "normalize": True,
        "aliases": True,
        "exclude": [],
        "parents": "keep",
        "text": ["title", "description"],
    },
    "threshold": {"min_projects": 1, "unlabeled": "drop"},
    "monitor": {
        "period": "month",
        "min_period_projects": 50,
        "min_uses": 5,
        "min_periods": 3,
        "min_days": 10,
        "max_concentration": 0.3,
        "max_q": 0.05,
        "max_candidates": 200,
    },
    "gates": {
        "max_projects_removed": None,
        "max_labels_changed": None,
        "max_tags_leaving": None,
        "max_newly_unlabeled": None,
        "max_new_warnings": None,
        "max_unexplained": None,
    },
    "publish": {"to": "local", "branch": "main", "remote": "origin"},
}

DAG: dict[str, dict[str, list[str]]] = {
    "ai": {"aliases": ["artificial-intelligence"], "parents": []},
    "learning": {"aliases": [], "parents": ["Artificial Intelligence"]},
    "vision": {"aliases": [], "parents": ["ai"]},
    "cnn": {"aliases": ["convnet", "conv-nets"], "parents": ["learning", "vision"]},
    "resnet": {"aliases": [], "parents": ["convnet"]},
    "flask": {"aliases": [], "parents": ["web-not-in-the-vocabulary"]},
}
"""ai > learning and vision > cnn (two parents) > resnet; learning and resnet name their parent by an alias."""


def tree_with(**sections: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of a params.yaml, with some keys of its sections replaced."""
    tree = copy.deepcopy(PARAMS)
    for section, changes in sections.items():
        tree[section].update(changes)
    return tree


def params_with(**sections: Mapping[str, Any]) -> Params:
    """Parameters, with some keys of their sections replaced."""
    return parse_params(tree_with(**sections))


def validate_params(**changes: Any) -> ValidateParams:
    """The validate section alone, with some keys replaced."""
    return params_with(validate=changes, annotate={"text": ["title"]}).validate_


def vocabulary_of(entries: Mapping[str, Any] | Iterable[Any] | str) -> Vocabulary:
    """A vocabulary of an object, a list of entries, or names parted by spaces."""
    if isinstance(entries, str):
        entries = {name: {} for name in entries.split()}
    tree = entries if isinstance(entries, Mapping) else list(entries)
    return read_vocabulary(json.dumps(tree).encode(), ".json", file="vocabulary.json")


def project(project_id: int | str, tags: object = (), **fields: object) -> dict[str, Any]:
    """One record as a source would hold it."""
    tags = list(tags) if isinstance(tags, tuple) else tags
    return {"id": project_id, "title": f"title {project_id}", "description": "", "tags": tags, **fields}


def build_records(
    records: Iterable[object], vocabulary: Mapping[str, Any] | str, **sections: Mapping[str, Any]
) -> Build:
    """The whole pipeline over records as a source would hold them."""
    if isinstance(vocabulary, str):
        vocabulary = {name: {} for name in vocabulary.split()}
    raw = Raw(
        RawFile("projects.json", ".json", json.dumps(list(records)).encode()),
        RawFile("vocabulary.json", ".json", json.dumps(vocabulary).encode()),
    )
    return build(raw, (), params_with(**sections))


def build_tags(*tags: Iterable[str], vocabulary: Mapping[str, Any] | str = DAG, **sections: Mapping[str, Any]) -> Build:
    """The whole pipeline over one project for each list of tags, with ids from 1."""
    return build_records([project(at, list(each)) for at, each in enumerate(tags, 1)], vocabulary, **sections)


def json_of(report: Report) -> Any:
    """A report as its file holds it."""
    return json.loads(json.dumps(report.as_dict()))


def ledger_of(built: Build) -> list[tuple[object, ...]]:
    """(raw tag, tag, outcome) of every use, in the ledger's order."""
    uses = built.tables["annotate/tag_uses"].to_pylist()
    return [(use["raw_tag"], use["tag"], use["outcome"]) for use in uses]


def labelsets_of(built: Build) -> dict[object, list[str]]:
    """id -> tags of every project in the labeled table."""
    return {row["id"]: row["tags"] for row in built.tables["threshold/projects"].to_pylist()}

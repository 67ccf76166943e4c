"""params.yaml: every wrong value is refused and named, exit 2."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError
from support.paths import REPO
from support.samples import PARAMS, params_with, tree_with

from tagpipe.errors import ConfigError
from tagpipe.io.repository.yaml_file import read_yaml
from tagpipe.params import dump_params, parse_params

ZEROS = "0" * 64


def refuse(tree: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_params(tree)
    assert caught.value.exit_code == 2
    assert caught.value.file == "params.yaml"
    return caught.value


def put(path: str, value: object) -> dict[str, Any]:
    """The tree with one value replaced, or with a new key."""
    tree = copy.deepcopy(PARAMS)
    *folders, key = path.split(".")
    at = tree
    for folder in folders:
        at = at[folder]
    at[key] = value
    return tree


def every_key(tree: dict[str, Any] = PARAMS, prefix: str = "") -> list[str]:
    """Dotted paths of every key, but for the names in `fields` and the one of two ways to name a source."""
    paths = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if path not in ("source.projects.path", "source.vocabulary.path"):
            paths.append(path)
        if isinstance(value, dict) and path != "validate.fields":
            paths += every_key(value, f"{path}.")
    return paths


@pytest.mark.parametrize("path", every_key())
def test_every_key_must_be_there(path: str) -> None:
    tree = copy.deepcopy(PARAMS)
    *folders, key = path.split(".")
    at = tree
    for folder in folders:
        at = at[folder]
    del at[key]
    assert path in str(refuse(tree))


@pytest.mark.parametrize(
    "path",
    [
        "more",
        "source.more",
        "source.projects.more",
        "source.download.more",
        "validate.more",
        "annotate.more",
        "threshold.more",
        "monitor.more",
    ],
)
def test_unknown_keys_are_refused(path: str) -> None:
    assert path in str(refuse(put(path, 1)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 4),
        ("schema", 0),
        ("schema", "1"),
        ("schema", True),
        ("schema", None),
        ("schema", 1.5),
        ("source", []),
        ("source.projects", "projects.json"),
        ("source.projects.path", "../projects.json"),
        ("source.projects.path", "/etc/projects.json"),
        ("source.projects.path", "folder/projects.json"),
        ("source.projects.path", ".hidden.json"),
        ("source.projects.path", 3),
        ("source.download.timeout_s", 0),
        ("source.download.timeout_s", -1.0),
        ("source.download.timeout_s", "10"),
        ("source.download.timeout_s", float("nan")),
        ("source.download.max_bytes", 0),
        ("source.download.max_bytes", 1.5),
        ("source.download.max_decoded_bytes", -1),
        ("source.download.attempts", 0),
        ("source.download.attempts", 1000),
        ("source.download.attempts", True),
        ("source.download.allow_private", 1),
        ("source.download.allow_private", "false"),
        ("validate.fields", ["id"]),
        ("validate.fields.tags", 3),
        ("validate.fields.tags", None),
        ("validate.id", "int"),
        ("validate.required", "id"),
        ("validate.required", [1]),
        ("validate.created_on", "epoch"),
        ("validate.created_on", None),
        ("validate.tags_separator", ""),
        ("validate.tags_separator", 3),
        ("validate.max_rejected", -0.1),
        ("validate.max_rejected", 1.1),
        ("validate.max_rejected", "5%"),
        ("validate.max_rejected", float("nan")),
        ("annotate.normalize", "yes"),
        ("annotate.normalize", None),
        ("annotate.aliases", 0),
        ("annotate.exclude", None),
        ("annotate.exclude", "python"),
        ("annotate.exclude", [["python"]]),
        ("annotate.exclude", [3]),
        ("annotate.parents", "dropp"),
        ("annotate.parents", True),
        ("annotate.text", []),
        ("annotate.text", "title"),
        ("annotate.text", ["Title"]),
        ("monitor.period", "day"),
        ("monitor.min_period_projects", 0),
        ("monitor.min_uses", 0),
        ("monitor.min_periods", 1.5),
        ("monitor.min_days", "10"),
        ("monitor.max_concentration", 0),
        ("monitor.max_concentration", 30),
        ("monitor.max_q", 0.0),
        ("monitor.max_candidates", -1),
        ("threshold.min_projects", 0),
        ("threshold.min_projects", -3),
        ("threshold.min_projects", 1.5),
        ("threshold.min_projects", "30"),
        ("threshold.min_projects", True),
        ("threshold.min_projects", None),
        ("threshold.unlabeled", "dropp"),
        ("gates.max_projects_removed", 1.5),
        ("gates.max_labels_changed", -0.1),
        ("gates.max_labels_changed", "10 %"),
        ("gates.max_tags_leaving", 0.5),
        ("gates.max_newly_unlabeled", False),
        ("gates.max_new_warnings", -1),
        ("gates.max_unexplained", "off"),
        ("publish.to", "everywhere"),
        ("publish.branch", "-main"),
        ("publish.branch", ""),
        ("publish.remote", "--upload-pack=x"),
    ],
)
def test_each_wrong_value_is_named(path: str, value: object) -> None:
    assert path in str(refuse(put(path, value)))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({}, "path"),
        ({"path": "projects.json", "url": "https://e.org/p.json", "sha256": ZEROS}, "either"),
        ({"path": "projects.json", "sha256": ZEROS}, "sha256"),
        ({"path": "projects.txt"}, ".json"),
        ({"url": "https://e.org/p.json"}, "sha256"),
        ({"url": "https://e.org/p.json", "sha256": "abc"}, "sha256"),
        ({"url": "https://e.org/p.json", "sha256": "A" * 64}, "sha256"),
        ({"url": "ftp://e.org/p.json", "sha256": ZEROS}, "http"),
        ({"url": "file:///etc/p.json", "sha256": ZEROS}, "http"),
        ({"url": "https://e.org/projects", "sha256": ZEROS}, ".json"),
        ({"sha256": ZEROS}, "path"),
    ],
)
def test_a_source_is_a_path_or_a_pinned_url(source: dict[str, str], words: str) -> None:
    text = str(refuse(put("source.projects", source)))
    assert "source.projects" in text
    assert words in text


@pytest.mark.parametrize(
    ("location", "suffix"),
    [
        ("https://e.org/p.JSON?x=1.csv#y", ".json"),
        ("https://e.org/p.ndjson", ".ndjson"),
        ("HTTP://e.org/p.csv", ".csv"),
        ("https://e.org/p.jsonl", ".jsonl"),
    ],
)
def test_the_ending_of_a_url_tells_how_it_is_read(location: str, suffix: str) -> None:
    params = params_with(source={"projects": {"url": location, "sha256": ZEROS}})
    assert params.source.projects.suffix == suffix


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fields": {"id": "id", "title": "title"}}, "tags"),
        ({"fields": {"title": "title", "tags": "tags"}}, "id"),
        ({"required": ["title", "tags"]}, "id"),
        ({"required": ["id", "title", "tags", "stars"]}, "stars"),
        ({"fields": {"id": "a", "title": "a", "tags": "tags"}}, "two names"),
    ],
)
def test_fields_and_required_go_together(changes: dict[str, Any], words: str) -> None:
    text = str(refuse(tree_with(validate=changes, annotate={"text": ["title"]})))
    assert "validate" in text
    assert words in text


@pytest.mark.parametrize(
    ("text", "words"), [(["title", "readme"], "readme"), (["tags"], "tags"), (["title"] * 2, "twice")]
)
def test_text_names_mapped_text_fields_once(text: list[str], words: str) -> None:
    message = str(refuse(tree_with(annotate={"text": text})))
    assert "annotate.text" in message
    assert words in message


def test_all_wrong_values_are_named_at_once() -> None:
    tree = tree_with(annotate={"parents": "up", "normalize": 1}, threshold={"min_projects": 0})
    error = refuse(tree)
    assert len(error.details) == 3
    for path in ("annotate.parents", "annotate.normalize", "threshold.min_projects"):
        assert path in str(error)


@pytest.mark.parametrize("tree", [None, [], "text", 3])
def test_a_file_of_another_form_is_refused(tree: object) -> None:
    refuse(tree)


@pytest.mark.parametrize("key", [3, None, ("a", "b"), True])
def test_keys_that_are_no_texts_are_refused(key: object) -> None:
    refuse({**PARAMS, key: 1})


def test_a_newer_form_says_to_upgrade() -> None:
    assert "Upgrade" in str(refuse(put("schema", 4)))
    assert "Upgrade" not in str(refuse(put("schema", 0)))


def older_form(schema: int, *lacking: str) -> dict[str, Any]:
    return {name: section for name, section in put("schema", schema).items() if name not in lacking}


def test_form_1_is_read_with_all_gates_off() -> None:
    params = parse_params(older_form(1, "gates", "publish", "monitor"))
    assert params == parse_params(PARAMS)
    assert set(params.gates.model_dump().values()) == {None}
    assert "schema" in str(refuse(put("schema", 1)))  # with gates it is neither form
    assert "schema" in str(refuse(older_form(1, "gates", "publish")))


def test_form_2_is_read_with_the_monitor_as_it_is_shipped() -> None:
    params = parse_params(older_form(2, "monitor"))
    assert params == parse_params(PARAMS)
    assert params.monitor == parse_params(read_yaml(REPO / "params.yaml")).monitor
    assert "schema" in str(refuse(put("schema", 2)))  # with a monitor it is neither form


def test_what_was_found_is_escaped() -> None:
    text = str(refuse(put("annotate.parents", "\x1b[31m" + "x" * 500)))
    assert "\x1b" not in text
    assert len(text) < 500


def test_parameters_are_frozen_and_round_trip() -> None:
    params = params_with(validate={"fields": {**PARAMS["validate"]["fields"], "readme": "body"}})
    assert parse_params(dump_params(params)) == params
    assert dump_params(parse_params(PARAMS)) == PARAMS
    with pytest.raises(ValidationError):
        params.threshold.min_projects = 3  # type: ignore[misc]


def test_text_fields_come_in_a_fixed_order() -> None:
    fields = {"zeta": "z", "tags": "t", "description": "d", "id": "i", "alpha": "a", "title": "n"}
    assert params_with(validate={"fields": fields}).validate_.text_fields == ("title", "description", "alpha", "zeta")

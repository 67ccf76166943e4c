"""Rows kept, collapsed or rejected: reasons, duplicates, times, ids and the mapping of fields."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.samples import build_records, project, validate_params

from tagpipe.errors import ConfigError, GuardError, InputError
from tagpipe.steps.validate.check_rows import ValidatedProjects, assert_pandera_checks, validate_projects
from tagpipe.steps.validate.read_projects import read_projects

FIELDS = {"id": "id", "title": "title", "description": "description", "tags": "tags", "created_on": "created_on"}


def validated(records: Iterable[object], **changes: Any) -> ValidatedProjects:
    """The records, beside one good project (id 0) that comes first."""
    return validated_bytes(json.dumps([project(0), *records]).encode(), ".json", **changes)


def validated_bytes(data: bytes, suffix: str, **changes: Any) -> ValidatedProjects:
    params = validate_params(**changes)
    return validate_projects(read_projects(data, suffix, params, file="f"), params, file="f")


def csv_of(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()


# Reasons


@pytest.mark.parametrize(
    ("record", "field", "reason"),
    [
        (7, None, "not_an_object"),
        ("text", None, "not_an_object"),
        (None, None, "not_an_object"),
        ([], None, "not_an_object"),
        ({"title": "t", "tags": []}, "id", "missing"),
        (project(1) | {"id": None}, "id", "missing"),
        (project(1) | {"id": "1"}, "id", "wrong_type"),
        (project(1) | {"id": 1.5}, "id", "wrong_type"),
        (project(1) | {"id": 1.0}, "id", "wrong_type"),
        (project(1) | {"id": True}, "id", "wrong_type"),
        (project(1) | {"id": [1]}, "id", "wrong_type"),
        (project(1) | {"id": 1 << 63}, "id", "out_of_range"),
        (project(1) | {"id": -(1 << 63) - 1}, "id", "out_of_range"),
        ({"id": 1, "tags": []}, "title", "missing"),
        (project(1, title=None), "title", "missing"),
        (project(1, title=""), "title", "blank"),
        (project(1, title=" \t\u3000"), "title", "blank"),
        (project(1, title=3), "title", "wrong_type"),
        (project(1, title="\ud800"), "title", "bad_text"),
        (project(1, description=3), "description", "wrong_type"),
        (project(1, description={"a": 1}), "description", "wrong_type"),
        ({"id": 1, "title": "t"}, "tags", "missing"),
        (project(1, None), "tags", "missing"),
        (project(1, 3), "tags", "wrong_type"),
        (project(1, {"a": 1}), "tags", "wrong_type"),
        (project(1, ["a", 3]), "tags", "wrong_type"),
        (project(1, ["a", None]), "tags", "wrong_type"),
        (project(1, [["a"]]), "tags", "wrong_type"),
        (project(1, ["\udfff"]), "tags", "bad_text"),
        (project(1, created_on=1_600_000_000), "created_on", "wrong_type"),
        (project(1, created_on="yesterday"), "created_on", "bad_timestamp"),
        (project(1, created_on=""), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-02-30"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01T25:00:00"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01T10:00:00+25:00"), "created_on", "bad_timestamp"),
        (project(1, created_on="01/02/2020"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020/01/01 10:00:00"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01X10:00:00"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01 24:00:00"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01 10:00:60"), "created_on", "bad_timestamp"),
        (project(1, created_on="2020-01-01T10:00+05"), "created_on", "bad_timestamp"),
        (project(1, created_on=" 2020-01-01 10:00:0"), "created_on", "bad_timestamp"),
        (project(1, created_on="1969-12-31"), "created_on", "out_of_range"),
        (project(1, created_on="2200-01-01"), "created_on", "out_of_range"),
    ],
)
def test_each_reason(record: object, field: str | None, reason: str) -> None:
    result = validated([record, project(2)])
    assert result.table.column("id").to_pylist() == [0, 2]
    (row,) = result.rejected
    assert (row["row"], row["field"], row["reason"]) == (2, field, reason)
    assert row["id"] == (record.get("id") if isinstance(record, dict) else None)
    assert row["record"] == record
    assert result.rejected_by_reason[reason] == 1
    assert sum(result.rejected_by_reason.values()) == 1


def test_a_row_with_several_faults_is_rejected_once_and_names_them_all() -> None:
    result = validated([project(1, 3, title="", created_on="never")])
    (row,) = result.rejected
    named = {(row["field"], row["reason"]), *map(tuple, row["also"])}
    assert named >= {("tags", "wrong_type")}
    assert result.n_rejected == 1

    result = validated([project(1, title="", created_on="never")])
    (row,) = result.rejected
    assert {(row["field"], row["reason"]), *map(tuple, row["also"])} == {
        ("created_on", "bad_timestamp"),
        ("title", "blank"),
    }


def test_what_was_found_is_escaped_and_short() -> None:
    (row,) = validated([project(1, title=["\x1b[31m" + "x" * 500])]).rejected
    assert len(row["found"]) <= 80
    assert row["found"].isascii()
    assert "\x1b" not in row["found"]
    assert row["record"]["title"] == ["\x1b[31m" + "x" * 500]


def test_what_was_found_is_null_where_a_value_is_missing_and_the_value_where_it_is_wrong() -> None:
    records = [project(1, title=None), project(2, title=" "), project(3, title=7), project(4, created_on="1969-12-31")]
    assert [(row["reason"], row["found"]) for row in validated(records).rejected] == [
        ("missing", "null"),
        ("blank", '" "'),
        ("wrong_type", "7"),
        ("out_of_range", '"1969-12-31"'),
    ]


def test_rejected_rows_come_in_the_order_of_the_source_with_its_numbers() -> None:
    result = validated([project(5, None), 7, project(4), project(3, title="")])
    assert [row["row"] for row in result.rejected] == [2, 3, 5]
    assert result.n_in == 5


def test_the_edges_of_64_bits_are_ids() -> None:
    edges = [-(1 << 63), (1 << 63) - 1]
    assert validated([project(edge) for edge in edges]).table.column("id").to_pylist() == [edges[0], 0, edges[1]]


# The guard


def test_more_than_max_rejected_stops_the_run() -> None:
    rows = [project(at) for at in range(1, 9)]
    assert validated([*rows, project(9, None)], max_rejected=0.1).n_rejected == 1
    with pytest.raises(GuardError) as caught:
        validated([*rows[:-1], 7, project(9, None)], max_rejected=0.1)
    error = caught.value
    assert error.exit_code == 4
    assert (error.file, error.row) == ("f", 9)
    assert "2 of 10" in str(error)
    assert "max_rejected" in str(error)
    assert len(error.details) == 2


def test_no_row_left_is_bad_input_and_not_a_guard() -> None:
    with pytest.raises(InputError) as caught:
        validated_bytes(json.dumps([project(1, None), project(2, None)]).encode(), ".json")
    assert (caught.value.exit_code, caught.value.file, len(caught.value.details)) == (3, "f", 2)
    assert (caught.value.row, caught.value.field) == (1, "tags")


@pytest.mark.parametrize(("data", "suffix"), [(b"[]", ".json"), (b" \n", ".ndjson"), (b"id,title,tags\n", ".csv")])
def test_a_source_without_projects_is_bad_input(data: bytes, suffix: str) -> None:
    with pytest.raises(InputError) as caught:
        validated_bytes(data, suffix, fields={"id": "id", "title": "title", "tags": "tags"})
    assert "no projects" in str(caught.value)


def test_data_behind_an_empty_list_is_no_source_without_projects() -> None:
    with pytest.raises(InputError) as caught:
        validated_bytes(b"[] 7", ".json")
    assert "after the end" in str(caught.value)


# Duplicates


def test_identical_rows_collapse_and_are_counted() -> None:
    twin = project(1, ["a", "b"], created_on="2020-01-01")
    result = validated([twin, project(2), twin, twin])
    assert result.table.column("id").to_pylist() == [0, 1, 2]
    assert (result.n_in, result.n_duplicates, result.n_rejected) == (5, 2, 0)


def test_the_same_moment_written_differently_is_identical() -> None:
    result = validated([project(1, created_on="2020-01-01T12:00:00+02:00"), project(1, created_on="2020-01-01 10:00")])
    assert (result.n_duplicates, result.n_rejected) == (1, 0)


def test_missing_and_empty_text_are_identical() -> None:
    bare = {"id": 1, "title": "t", "tags": []}
    result = validated([bare, bare | {"description": ""}, bare | {"description": None}])
    assert (result.n_duplicates, result.n_rejected) == (2, 0)


@pytest.mark.parametrize(
    "other",
    [
        project(1, ["a"], title="other"),
        project(1, ["a"], description="other"),
        project(1, ["b"]),
        project(1, []),
        project(1, ["a", "b"]),
        project(1, ["a"], created_on="2020-01-02"),
    ],
)
def test_contradictory_rows_are_all_rejected(other: dict[str, Any]) -> None:
    one = project(1, ["a"])
    for records in ([one, other], [other, one], [one, other, one], [one, project(2), one, other]):
        result = validated(records)
        rows = [at for at, record in enumerate(records, 2) if record["id"] == 1]
        assert [row["row"] for row in result.rejected] == rows
        assert {(row["field"], row["reason"]) for row in result.rejected} == {("id", "contradictory_duplicate")}
        assert 1 not in result.table.column("id").to_pylist()
        assert result.n_in == result.table.num_rows + result.n_duplicates + result.n_rejected


def test_duplicates_of_one_id_do_not_touch_the_next() -> None:
    result = validated([project(1, ["a"]), project(1, ["a"]), project(2, ["a"]), project(2, ["b"]), project(3, ["b"])])
    assert result.table.column("id").to_pylist() == [0, 1, 3]
    assert (result.n_duplicates, result.n_rejected) == (1, 2)


def test_identical_rows_behind_contradictory_ones_collapse_all_the_same() -> None:
    result = validated([project(1, ["a"]), project(1, ["b"]), project(2, ["a", "b"]), project(2, ["a", "b"])])
    assert result.table.column("id").to_pylist() == [0, 2]
    assert (result.n_duplicates, result.n_rejected) == (1, 2)


# Times


def times(*written: object, **changes: Any) -> list[datetime | None]:
    """`created_on` of good projects that were written so."""
    records = [project(at, created_on=each) for at, each in enumerate(written)]
    result = validated_bytes(json.dumps(records).encode(), ".json", **changes)
    assert result.n_rejected == 0
    return list(result.table.column("created_on").to_pylist())


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2020-09-13", datetime(2020, 9, 13, tzinfo=UTC)),
        ("2020-09-13 12:26", datetime(2020, 9, 13, 12, 26, tzinfo=UTC)),
        ("2020-09-13 12:26:40", datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)),
        ("2020-09-13T12:26:40Z", datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)),
        ("2020-09-13T12:26:40+05:45", datetime(2020, 9, 13, 6, 41, 40, tzinfo=UTC)),
        ("2020-09-13T12:26:40-0330", datetime(2020, 9, 13, 15, 56, 40, tzinfo=UTC)),
        ("2020-09-13T12:26:40.25", datetime(2020, 9, 13, 12, 26, 40, 250_000, tzinfo=UTC)),
        ("2020-09-13T12:26:40.123456+00:00", datetime(2020, 9, 13, 12, 26, 40, 123_456, tzinfo=UTC)),
        ("1970-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2199-12-31T23:59:59", datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2020-02-29", datetime(2020, 2, 29, tzinfo=UTC)),
        (None, None),
    ],
)
def test_iso_times_are_utc_unless_they_say_otherwise(written: str | None, moment: datetime | None) -> None:
    assert times(written) == [moment]


def test_forms_of_time_may_be_mixed() -> None:
    assert times("2020-01-01", None, "2020-01-01T01:00:00+01:00") == [
        datetime(2020, 1, 1, tzinfo=UTC),
        None,
        datetime(2020, 1, 1, tzinfo=UTC),
    ]


def test_seconds_and_milliseconds_are_what_the_parameter_says() -> None:
    assert times(1_600_000_000, created_on="epoch_s") == [datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)]
    assert times(1_600_000_000_123, created_on="epoch_ms") == [datetime(2020, 9, 13, 12, 26, 40, 123_000, tzinfo=UTC)]
    assert times(0, created_on="epoch_s") == [datetime(1970, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("unit", "written", "reason"),
    [
        ("epoch_s", 7_258_118_400, "out_of_range"),
        ("epoch_s", -1, "out_of_range"),
        ("epoch_ms", -1, "out_of_range"),
        ("epoch_ms", (1 << 63) - 1, "out_of_range"),
        ("epoch_s", -(1 << 63), "out_of_range"),
        ("epoch_s", 1 << 63, "out_of_range"),
        ("epoch_s", "2020-01-01", "wrong_type"),
        ("epoch_s", 1.5, "wrong_type"),
        ("epoch_ms", True, "wrong_type"),
    ],
)
def test_other_epochs_are_refused(unit: str, written: object, reason: str) -> None:
    (row,) = validated([project(1, created_on=written)], created_on=unit).rejected
    assert (row["field"], row["reason"]) == ("created_on", reason)


def test_created_on_may_be_missing_from_rows_and_from_the_source() -> None:
    result = validated([project(1, created_on="2020-01-01"), project(2)])
    assert [moment is None for moment in result.table.column("created_on").to_pylist()] == [True, False, True]
    fields = {name: name for name in FIELDS if name != "created_on"}
    result = validated([project(1)], fields=fields)
    assert result.table.column("created_on").null_count == 2


def test_created_on_can_be_required() -> None:
    params = {"required": ["id", "title", "tags", "created_on"]}
    records = [project(1, created_on="2020-01-01"), project(2), project(3, created_on=None)]
    result = validated_bytes(json.dumps(records).encode(), ".json", **params)
    assert [(row["row"], row["field"], row["reason"]) for row in result.rejected] == [
        (2, "created_on", "missing"),
        (3, "created_on", "missing"),
    ]


# Fields


def test_missing_text_is_empty_text() -> None:
    records = [{"id": 1, "title": "t", "tags": []}, project(2, description=None)]
    assert validated(records).table.column("description").to_pylist() == ["", "", ""]


def test_fields_are_read_by_their_names_in_the_source() -> None:
    fields = {"id": "key", "title": "name", "description": "about", "tags": "labels", "created_on": "at"}
    records = [{"key": 1, "name": "t", "about": "d", "labels": ["a"], "at": "2020-01-01", "more": 1}, {"key": 2}]
    result = validated_bytes(json.dumps(records).encode(), ".json", fields=fields)
    assert result.table.column_names == ["id", "created_on", "title", "description", "tags"]
    assert result.table.drop_columns("created_on").to_pylist() == [
        {"id": 1, "title": "t", "description": "d", "tags": ["a"]}
    ]
    (row,) = result.rejected
    assert row["id"] == 2
    assert {row["field"], *(field for field, _ in row["also"])} == {"name", "labels"}


def test_a_field_that_the_first_record_lacks_is_taken_for_another_name() -> None:
    with pytest.raises(InputError) as caught:
        validated_bytes(json.dumps([{"id": 1, "title": "t", "tag": "a"}]).encode(), ".json")
    error = caught.value
    assert (error.file, error.row, error.field) == ("f", 1, "tags")
    assert "tag" in str(error.found)
    assert "validate.fields" in str(error.fix)


def test_tags_that_are_one_text_are_one_tag() -> None:
    records = [
        {"id": 1, "title": "t", "tag": "deep learning, fast"},
        {"id": 2, "title": "t", "tag": "cnn"},
        {"id": 3, "title": "t", "tag": ["a", "b"]},
        {"id": 4, "title": "t", "tag": None},
    ]
    result = validated_bytes(json.dumps(records).encode(), ".json", fields={**FIELDS, "tags": "tag"})
    assert result.table.column("tags").to_pylist() == [["deep learning, fast"], ["cnn"], ["a", "b"]]
    assert [(row["row"], row["field"], row["reason"]) for row in result.rejected] == [(4, "tag", "missing")]


def test_tags_that_are_one_text_are_split_where_a_separator_is_named() -> None:
    records = [{"id": 1, "title": "t", "tag": "a|b c|a"}, {"id": 2, "title": "t", "tag": "a"}]
    for extra in ({}, {"unmapped": 1}):
        data = json.dumps([record | extra for record in records]).encode()
        result = validated_bytes(data, ".json", fields={**FIELDS, "tags": "tag"}, tags_separator="|")
        assert result.table.column("tags").to_pylist() == [["a", "b c", "a"], ["a"]]


@pytest.mark.parametrize(
    ("separator", "left"), [("|", [["a", "b"], [], [], ["c"]]), (None, [["|a||b|"], [], ["|"], ["c"]])]
)
def test_nothing_between_separators_is_no_tag(separator: str | None, left: list[list[str]]) -> None:
    for extra in ({}, {"unmapped": 1}):
        records = [{"id": at, "title": "t", "tags": text, **extra} for at, text in enumerate(["|a||b|", "", "|", "c"])]
        result = validated_bytes(json.dumps(records).encode(), ".json", tags_separator=separator)
        assert result.table.column("tags").to_pylist() == left


def test_an_empty_cell_is_a_project_without_tags() -> None:
    result = validated_bytes(csv_of("id,title,tags", "1,t,", "2,t,a", '3,t,""'), ".csv")
    assert result.table.column("tags").to_pylist() == [[], ["a"], []]
    assert result.n_rejected == 0


def test_a_further_text_field_is_kept_and_makes_up_the_text() -> None:
    records = [project(1, ["a"], readme="R"), project(2, ["a"])]
    fields = {**FIELDS, "readme": "readme"}
    built = build_records(
        records, "a", validate={"fields": fields}, annotate={"text": ["readme", "title", "description"]}
    )
    assert built.validated.table.column_names == ["id", "created_on", "title", "description", "readme", "tags"]
    assert built.tables["threshold/projects"].column("text").to_pylist() == ["R title 1", "title 2"]


def test_string_ids_are_never_mixed_with_integers() -> None:
    records = [project("x"), project(1), project(""), project("  "), project("0 ")]
    data = json.dumps([project("0"), *records]).encode()
    result = validated_bytes(data, ".json", id="string")
    assert result.table.column("id").to_pylist() == ["0", "0 ", "x"]
    assert [(row["row"], row["field"], row["reason"]) for row in result.rejected] == [
        (3, "id", "wrong_type"),
        (4, "id", "blank"),
        (5, "id", "blank"),
    ]


def test_rows_are_sorted_by_id() -> None:
    assert validated([project(at) for at in (30, 4, -1)]).table.column("id").to_pylist() == [-1, 0, 4, 30]


# CSV and NDJSON


def test_csv() -> None:
    data = csv_of(
        "id,title,description,tags,created_on",
        '1,"Name, with a comma","two\nlines",a|b,2020-01-01',
        '2,"He said ""hi""",,a,',
    )
    result = validated_bytes(b"\xef\xbb\xbf" + data, ".csv", tags_separator="|")
    assert result.table.column("title").to_pylist() == ["Name, with a comma", 'He said "hi"']
    assert result.table.column("description").to_pylist() == ["two\nlines", ""]
    assert result.table.column("tags").to_pylist() == [["a", "b"], ["a"]]
    assert result.table.column("created_on").to_pylist() == [datetime(2020, 1, 1, tzinfo=UTC), None]


def test_csv_rows_are_rejected_with_their_reasons() -> None:
    data = csv_of(
        "id,title,tags,created_on", "1,t,a,2020-01-01", "x,t,a,", "2,,a,", "3,t,a,never", "4,t", "5,t,a,,", ",t,a,"
    )
    result = validated_bytes(data, ".csv")
    assert [(row["row"], row["field"], row["reason"]) for row in result.rejected] == [
        (2, "id", "wrong_type"),
        (3, "title", "missing"),
        (4, "created_on", "bad_timestamp"),
        (5, None, "wrong_field_count"),
        (6, None, "wrong_field_count"),
        (7, "id", "missing"),
    ]
    assert result.rejected[0]["id"] == "x"
    assert result.table.column("id").to_pylist() == [1]


def test_csv_integers_may_have_a_sign_and_spaces_and_up_to_18_digits() -> None:
    ids = ["+5", "-6", " 7 ", "0", "123456789012345678", "1234567890123456789", "1.0", "1e3", "0x1", "- 1"]
    result = validated_bytes(csv_of("id,title,tags", *(f"{each},t,a" for each in ids)), ".csv")
    assert result.table.column("id").to_pylist() == [-6, 0, 5, 7, 123456789012345678]
    assert [(row["row"], row["id"], row["reason"]) for row in result.rejected] == [
        (6, "1234567890123456789", "wrong_type"),
        (7, "1.0", "wrong_type"),
        (8, "1e3", "wrong_type"),
        (9, "0x1", "wrong_type"),
        (10, "- 1", "wrong_type"),
    ]


def test_csv_epochs() -> None:
    data = csv_of("id,title,tags,created_on", "1,t,a,1600000000", "2,t,a,2020-01-01", "3,t,a,")
    result = validated_bytes(data, ".csv", created_on="epoch_s")
    assert result.table.column("created_on").to_pylist() == [datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC), None]
    assert [(row["row"], row["reason"]) for row in result.rejected] == [(2, "wrong_type")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'id,title,tags\n1,"open,a\n', "quotation mark"),
        (b"id,title,tags,title\n1,t,a,t\n", "twice"),
        (b"", "header"),
        (b"id,title,tags\n1,t\xff,a\n", "UTF-8 at byte 17"),
        (b"\xef\xbb\xbfid,title,tags\n1,t\xff,a\n", "UTF-8 at byte 20"),
    ],
)
def test_csv_that_cannot_be_read(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        validated_bytes(data, ".csv")


def test_ndjson() -> None:
    lines = [json.dumps(project(at, ["a"])) for at in (3, 1)]
    data = f"\n{lines[0]}\r\n\n  {lines[1]}".encode()
    assert validated_bytes(data, ".ndjson").table.column("id").to_pylist() == [1, 3]
    with pytest.raises(InputError) as caught:
        validated_bytes(f"{lines[0]}\n{lines[1]} x\n".encode(), ".ndjson")
    assert f"byte {len(lines[0]) + 1 + len(lines[1]) + 1}" in str(caught.value)


def test_ndjson_and_json_give_the_same_projects() -> None:
    records = [project(2, ["b", "é"]), project(1), project(3, title=3), project(4, created_on="2020-01-01")]
    array = validated_bytes(json.dumps(records).encode(), ".json")
    lines = validated_bytes("\n".join(map(json.dumps, records)).encode(), ".jsonl")
    assert array.table.to_pylist() == lines.table.to_pylist()
    assert array.rejected == lines.rejected


# The checks themselves


def test_checks_that_are_switched_off_in_the_environment_are_noticed() -> None:
    from pandera.config import config_context

    assert_pandera_checks()
    with config_context(validation_enabled=False), pytest.raises(ConfigError) as caught:
        assert_pandera_checks()
    assert caught.value.exit_code == 2


# Names of fields


@pytest.mark.parametrize("suffix", [".json", ".ndjson", ".csv"])
@pytest.mark.parametrize("name", ["row", "index", "tag", "text", "n_rows", "record"])
def test_a_text_field_may_have_any_name(name: str, suffix: str) -> None:
    rows = [{"id": at, "title": "t", name: f"its own {at}", "tags": ""} for at in (1, 2)] + [{"id": 3, "title": " "}]
    if suffix == ".csv":
        data = csv_of(f"id,title,{name},tags", "1,t,its own 1,", "2,t,its own 2,", "3, ,x,")
    elif suffix == ".json":
        data = json.dumps(rows).encode()
    else:
        data = "\n".join(map(json.dumps, rows)).encode()
    fields = {"id": "id", "title": "title", name: name, "tags": "tags"}
    result = validated_bytes(data, suffix, fields=fields)
    assert [row["row"] for row in result.rejected] == [3]
    assert result.table.column(name).to_pylist() == ["its own 1", "its own 2"]


# What was found, and units


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("epoch_s", 1 << 60),
        ("epoch_s", -1),
        ("epoch_ms", 7_258_118_400_000),
        ("epoch_ms", -5),
        ("iso", "2200-01-01"),
        ("iso", "1969-12-31 23:59:59.5"),
        ("iso", "2200-01-01 00:00:00.123456789"),
        ("iso", "not a time"),
    ],
)
def test_found_is_what_the_field_holds(unit: str, written: object) -> None:
    good = {"iso": "2020-01-01", "epoch_s": 1_577_836_800, "epoch_ms": 1_577_836_800_000}[unit]
    records = [{**project(at), "created_on": good} for at in range(4)]
    data = json.dumps([*records, {**project(9), "created_on": written}]).encode()
    (row,) = validated_bytes(data, ".json", created_on=unit, fields=FIELDS).rejected
    assert (row["found"], row["record"]["created_on"]) == (json.dumps(written), written)


@pytest.mark.parametrize(
    ("unit", "fits", "first"), [("epoch_s", "epoch_ms", 1_577_836_800_000), ("epoch_ms", "epoch_s", 1_577_836_800)]
)
def test_dates_in_the_other_unit_are_told(unit: str, fits: str, first: int) -> None:
    records = [{**project(at), "created_on": first + at} for at in range(5)]
    records.append({**project(7), "created_on": None})
    data = json.dumps(records).encode()
    with pytest.raises(GuardError, match=f"plausible as {fits}") as caught:
        validated_bytes(data, ".json", created_on=unit, fields=FIELDS)
    assert caught.value.fix is not None
    assert f"validate.created_on: {fits}" in caught.value.fix
    assert (caught.value.row, caught.value.found) == (1, str(first))
    assert validated_bytes(data, ".json", created_on=fits, fields=FIELDS).table.num_rows == 6


def test_ids_with_leading_zeros_are_no_integers() -> None:
    """As integers 001 and 1 would be one project."""
    data = csv_of("id,title,tags", "1,one,a", "001,one,a", "+2,two,a", "-0,zero,a")
    fields = {"id": "id", "title": "title", "tags": "tags"}
    result = validated_bytes(data, ".csv", fields=fields)
    assert [(row["reason"], row["found"]) for row in result.rejected] == [("wrong_type", '"001"')]
    assert result.table.column("id").to_pylist() == [0, 1, 2]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_rows_that_differ_only_in_the_order_of_tags_are_one(order: int) -> None:
    rows = [{**project(1), "tags": tags} for tags in (["b", "a", "c"], ["a", "c", "b"], ["c", "b", "a", "b"])]
    result = validated(
        [*rows[order:], *rows[:order], {**project(2), "tags": ["a"]}, {**project(2), "tags": ["a", "b"]}]
    )
    assert result.n_duplicates == 2
    assert result.table.column("tags").to_pylist()[1:] == [["a", "c", "b"]]
    assert [row["reason"] for row in result.rejected] == ["contradictory_duplicate"] * 2

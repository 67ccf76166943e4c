"""Strict JSON against the standard library, and the fast way of reading projects against the exact one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds import params_with

from tagpipe.errors import InputError
from tagpipe.formats.strict_json import Window, iter_array, parse_json
from tagpipe.io.repository.files import write_lines
from tagpipe.steps.validate import json_layouts
from tagpipe.steps.validate import json_projects as received
from tagpipe.steps.validate.read_projects import read_projects

modest = settings(max_examples=75, deadline=None, derandomize=True)

TEXTS = st.text(max_size=12) | st.sampled_from(["},{", "]", '"', "\\", "\\u0041", "é😀", "\u2028", "NaN", "{", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
STYLES = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 1, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : "), (",\r\n", ":\n")]),
    }
)


@modest
@given(VALUES, STYLES)
def test_what_the_standard_library_writes_is_read_back(value: object, style: dict[str, Any]) -> None:
    text = json.dumps(value, **style)
    assert parse_json(text.encode(), file="f") == json.loads(text) == value


@modest
@given(st.lists(VALUES, min_size=1, max_size=6), STYLES, st.integers(8, 60))
def test_windows_of_any_size_read_the_same(values: list[object], style: dict[str, Any], size: int) -> None:
    data = json.dumps(values, **style).encode()
    window = Window(data, 0, file="f", size=size)
    assert window.read_value() == values
    assert window.offset == len(data)
    window = Window(data, 0, file="f", size=size)
    assert window.take("[")
    for value in values:
        assert window.read_value() == value
        window.skip_space()
        window.take(",")
    assert window.take("]")


@modest
@given(st.lists(VALUES, min_size=1, max_size=6), STYLES)
def test_elements_are_found_with_their_places(values: list[object], style: dict[str, Any]) -> None:
    data = json.dumps(values, **style).encode()
    start = data.index(b"[") + 1
    elements = list(iter_array(data, start, file="f", is_enough=lambda _: False))
    assert [value for _, _, value in elements] == values
    assert [json.loads(data[start:end]) for start, end, _ in elements] == values


@modest
@given(VALUES, st.data())
def test_whatever_the_standard_library_refuses_is_refused(value: object, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    at = data.draw(st.integers(0, len(text)))
    broken = data.draw(
        st.sampled_from(
            [text[:at], text[:at] + text[at + 1 :], text + text[at:], text[:at] + data.draw(TEXTS) + text[at:]]
        )
    )
    try:
        expected = json.loads(broken, object_pairs_hook=refuse_repeats, parse_constant=refuse_constant)
    except ValueError:
        with pytest.raises(InputError, match=r" at byte [0-9]+"):
            parse_json(broken.encode(), file="f")
    else:
        assert parse_json(broken.encode(), file="f") == expected


def refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def refuse_constant(name: str) -> None:
    raise ValueError(name)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "[1, 1e400]"])
def test_numbers_beyond_any_float_are_refused_or_can_be_written_back(tmp_path: Path, text: str) -> None:
    # A rejected row goes to rejected.jsonl whole, whatever it holds.
    try:
        value = parse_json(text.encode(), file="f")
    except InputError:
        return
    write_lines(tmp_path / "rejected.jsonl", [{"record": value}])


# Projects


PARAMS = params_with(
    annotate={"normalize": True, "aliases": True, "exclude": [], "parents": "keep"},
    threshold={"min_projects": 1, "unlabeled": "drop"},
).validate_
FIELDS = {
    "id": st.integers(-3, 9) | st.sampled_from([1 << 63, 1.0, True, "1", None]),
    "title": TEXTS | st.sampled_from([None, 3, ["t"]]),
    "description": TEXTS | st.none(),
    "tags": st.lists(TEXTS, max_size=4) | st.sampled_from([None, "one", [3], [None], {}]),
    "created_on": st.sampled_from(["2020-01-01", None, 5, "never"]),
}
GOOD = st.fixed_dictionaries({"id": st.integers(0, 9), "title": TEXTS, "tags": st.lists(TEXTS, max_size=4)})
RECORDS = GOOD | st.fixed_dictionaries({}, optional={**FIELDS, "unmapped": VALUES}) | SCALARS
FRAGMENTS = st.sampled_from(
    [
        "\n",
        "},\n",
        ",",
        "]",
        "}",
        "{",
        "[",
        '"',
        "\\",
        " ",
        "\n",
        "NaN",
        '"id": 1,',
        "},{",
        "/**/",
        "\x00",
        "0",
        "-",
        '],"r":[',
    ]
)


def read(data: bytes, suffix: str) -> object:
    """Everything that was read, or the error."""
    try:
        found = read_projects(data, suffix, PARAMS, file="f")
    except InputError as error:
        return error.as_dict()
    rows = found.table.to_pylist() if found.table.num_columns else []
    whole = list(found.read_rows(list(range(1, found.n_rows + 1))))
    return rows, sorted(map(repr, found.failures)), repr(whole)


def read_both_ways(data: bytes, suffix: str, block_bytes: int) -> tuple[object, object]:
    with mock.patch.object(json_layouts, "BLOCK_BYTES", block_bytes):
        fast = read(data, suffix)
        with mock.patch.object(received, "_read_block", return_value=None):
            return fast, read(data, suffix)


@modest
@given(st.lists(RECORDS, max_size=6), GOOD, STYLES, st.sampled_from([1, 30, 100, 1 << 20]))
def test_any_records_are_read_the_same_by_blocks_and_one_by_one(
    records: list[object], first: object, style: dict[str, Any], block_bytes: int
) -> None:
    fast, exact = read_both_ways(json.dumps([first, *records], **style).encode(), ".json", block_bytes)
    assert fast == exact
    lines = "\n".join(json.dumps(record, ensure_ascii=style["ensure_ascii"]) for record in [first, *records])
    fast, exact = read_both_ways(lines.encode(), ".ndjson", block_bytes)
    assert fast == exact


@modest
@given(st.lists(GOOD, min_size=1, max_size=4), FRAGMENTS, st.data(), st.sampled_from([1, 30, 1 << 20]))
def test_damaged_documents_are_refused_the_same_by_blocks_and_one_by_one(
    records: list[object], fragment: str, data: st.DataObject, block_bytes: int
) -> None:
    for text, suffix in (
        (json.dumps(records), ".json"),
        ("\n".join(map(json.dumps, records)), ".ndjson"),
    ):
        at = data.draw(st.integers(0, len(text)))
        damaged = text[:at] + fragment + text[at + data.draw(st.integers(0, 2)) :]
        fast, exact = read_both_ways(damaged.encode(), suffix, block_bytes)
        assert fast == exact

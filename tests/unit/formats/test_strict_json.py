"""JSON as RFC 8259 has it: what is refused, at which byte, and reading through windows."""

from __future__ import annotations

import json

import pytest

from tagpipe.errors import InputError
from tagpipe.formats.strict_json import MAX_DEPTH, WINDOW_BYTES, Window, iter_array, parse_json


def refuse(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        parse_json(data, file="f")
    assert caught.value.file == "f"
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "null",
        " true ",
        "-0",
        "1.5e-3",
        '""',
        '"\\u00e9\\ud83d\\ude00\\n"',
        "[]",
        "{}",
        '{"a": [1, {"a": 2}]}',
        '["é😀"]',
        "\t\r\n1",
    ],
)
def test_values_are_those_of_the_standard_library(text: str) -> None:
    assert parse_json(text.encode(), file="f") == json.loads(text)


@pytest.mark.parametrize(
    ("text", "byte", "words"),
    [
        ("", 0, "not JSON"),
        ("  ", 2, "not JSON"),
        ("[1,]", 3, "not JSON"),
        ("[1 2]", 3, "not JSON"),
        ("{'a': 1}", 1, "not JSON"),
        ('{"a" 1}', 5, "not JSON"),
        ('{"a": 1,}', None, "not JSON"),
        ("[01]", 2, "not JSON"),
        ("[+1]", 1, "not JSON"),
        ("[.5]", 1, "not JSON"),
        ("[1] // no", 4, "data after the end"),
        ("[1][2]", 3, "data after the end"),
        ('{"a": 1} {"a": 1}', 9, "data after the end"),
        ('["a\tb"]', 3, "not JSON"),
        ('["\\x"]', None, "not JSON"),
        ("[tru]", 1, "not JSON"),
        ("[NaN]", 1, "NaN"),
        ("[1, Infinity]", 4, "Infinity"),
        ("[1, -Infinity]", 4, "Infinity"),
        ('["NaN", NaN]', 8, "NaN"),
        ('{"a": 1, "b": 2, "a": 3}', 17, "duplicate key"),
        ('[{"a": {"b": 1, "b": 2}}]', 16, "duplicate key"),
        ('{"a": 1, "\\u0061": 2}', 9, "duplicate key"),
        ('{"é": 1, "😀": 2, "é": 3}', 21, "duplicate key"),
        ('["é", "😀", NaN]', 15, "NaN"),
        ('["ééé" 1]', 10, "not JSON"),
        ('{"": 1, "\\0007": 2}', None, "not JSON"),
        ('{"a": 1, "\\ud8g0": 2}', None, "not JSON"),
        ('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}], "a": 2}', 43, "duplicate key"),
        ('{"a": 1e999}', 6, "number"),
        ("[1e5, 12345678901234567890, -1E999]", 28, "number"),
        ("\u00a0[]", 0, "not JSON"),
        ("[" + "9" * 5000 + "]", 1, "number"),
    ],
)
def test_each_refusal_names_its_byte(text: str, byte: int | None, words: str) -> None:
    error = refuse(text.encode())
    assert words in error.what
    if byte is not None:
        assert f" at byte {byte}" in error.what
    assert len(error.found or "") <= 80
    assert (error.found or "").isascii()
    assert error.exit_code == 3
    assert error.fix


@pytest.mark.parametrize(
    ("data", "byte"),
    [
        (b"\xff", 0),
        (b'["\xc3"]', 2),
        (b'["\xed\xa0\x80"]', 2),
        (b'["ok\xe9"]', 4),
        (b'["\xc3\xa9\xf0\x9f"]', 4),
        (b'["a', None),
    ],
)
def test_bytes_that_are_not_utf8(data: bytes, byte: int | None) -> None:
    error = refuse(data)
    if byte is not None:
        assert error.what == f"not UTF-8 at byte {byte}"


def test_other_encodings_and_marks_are_refused() -> None:
    assert "byte order mark" in refuse(b"\xef\xbb\xbf[]").what
    assert "UTF-8" in refuse("[]".encode("utf-16")).what
    refuse("[]".encode("utf-16-le"))


def test_an_unclosed_text_is_refused_at_once_and_where_it_begins() -> None:
    # A file cut short in the middle of a text is the usual damage.
    error = refuse(b'[{"title": "' + b"x" * 200)
    assert "at byte 11" in error.what


def test_words_inside_an_unclosed_text_are_not_values() -> None:
    error = refuse(b'[{"title": "NaN')
    assert "NaN" not in error.what
    assert "at byte 11" in error.what


def test_depth() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_json(deepest, file="f") is not None
    for data in (b"[" + deepest + b"]", b"[" * 1_000_000, b'{"a":' * 100_000, b"[[1]," + b"[" + deepest + b"]]"):
        assert "deeper" in refuse(data).what
    assert f"at byte {MAX_DEPTH}" in refuse(b"[" * 100).what


def test_brackets_in_texts_and_beside_each_other_are_no_depth() -> None:
    for data in (json.dumps(["[{" * 500, {"[" * 200: "]"}]), json.dumps([[[]]] * 500)):
        assert parse_json(data.encode(), file="f") == json.loads(data)


def test_duplicate_keys_are_found_behind_brackets_in_texts() -> None:
    error = refuse(b'[{"a": "}]{", "b": "", "b": 2}]')
    assert error.what == "duplicate key at byte 23"
    assert error.found == '"b"'


# Windows


def test_an_error_far_into_a_file_names_its_byte_there() -> None:
    head = json.dumps(["é" * 10] * 100_000, ensure_ascii=False).encode()[:-1]
    assert f"at byte {len(head) + 2}" in refuse(head + b", NaN]").what


VALUES = (
    '[12345, -6.25e+10, true, false, null, "é😀 \\u00e9\\ud83d\\ude00 \\" ] } ,", {"ключ": ["a", {"b": ""}]}, [], {}]'
)


def test_values_that_straddle_the_end_of_a_window_are_read_whole() -> None:
    data = VALUES.encode()
    expected = json.loads(VALUES)
    for size in range(8, len(data) + 2):
        window = Window(data, 0, file="f", size=size)
        assert window.read_value() == expected
        assert window.offset == len(data)
        assert window.at_end

        window = Window(data, 0, file="f", size=size)
        assert window.take("[")
        found = []
        while True:
            found.append(window.read_value())
            window.skip_space()
            if not window.take(","):
                break
        assert found == expected
        assert window.take("]")


def test_elements_around_the_end_of_the_real_window() -> None:
    tail = VALUES[1:].encode()
    expected = json.loads(VALUES)
    for before in range(0, len(tail) + 3, 3):
        data = b"[" + b" " * (WINDOW_BYTES - 1 - before) + tail
        elements = list(iter_array(data, 1, file="f", is_enough=lambda _: False))
        assert [value for _, _, value in elements] == expected
        assert all(json.loads(data[start:end]) == value for start, end, value in elements)


def test_an_element_larger_than_the_window_is_read() -> None:
    values = ["x" * (3 * WINDOW_BYTES), 1, "é" * WINDOW_BYTES]
    data = json.dumps(values, ensure_ascii=False).encode()
    assert [value for _, _, value in iter_array(data, 1, file="f", is_enough=lambda _: False)] == values


def test_a_bad_byte_behind_the_first_window_is_named_by_its_place_in_the_file() -> None:
    data = b'["' + b"x" * WINDOW_BYTES + b'", "\xff"]'
    with pytest.raises(InputError, match=f"not UTF-8 at byte {WINDOW_BYTES + 6}"):
        list(iter_array(data, 1, file="f", is_enough=lambda _: False))


def test_iter_array_ends_where_it_has_enough() -> None:
    data = b"[1, 22, 333, 4444]"
    found = [(start, end, value) for start, end, value in iter_array(data, 1, file="f", is_enough=lambda at: at >= 5)]
    assert found == [(1, 2, 1), (4, 6, 22)]

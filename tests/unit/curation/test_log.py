"""The log of edits: its lines, its patches, and which edit an undo takes back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from tagpipe.curation.log import (
    LogLine,
    Patch,
    dump_line,
    find_undoable,
    invert_patch,
    make_patch,
    parse_log,
    revert_patch,
)
from tagpipe.errors import EditRefused, InputError, IntegrityError

PATCH = Patch("vocabulary.json", 7, "a", "b", "0" * 64, "1" * 64)
LINE = LogLine(
    "2026-02-03T04:05:06.000000+00:00",
    "Ada <ada@example.org>",
    "merge",
    ("a\u202eb", "c"),
    "same\nthing",
    {"n": 3, "share": 0.5},
    (PATCH,),
)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Lines


def digest_of(line: LogLine) -> str:
    return sha(dump_line(line).removesuffix(b"\n"))


def parse(*lines: LogLine) -> tuple[LogLine, ...]:
    return parse_log(b"".join(map(dump_line, lines)), file="log")


def test_a_line_is_one_line_of_ascii_and_reads_back() -> None:
    data = dump_line(LINE)
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    undo = replace(LINE, undoes=digest_of(LINE), why=None)
    lines = parse_log(data + dump_line(undo), file="log")
    assert lines == (LINE, undo)
    assert [line.digest for line in lines] == [digest_of(LINE), digest_of(undo)]
    assert json.loads(data)["schema"] == 1
    assert dump_line(lines[0]) == data
    assert parse_log(b"", file="log") == ()


def test_a_line_says_that_it_is_pending_and_has_the_digest_of_the_line_that_it_becomes() -> None:
    pending = replace(LINE, pending=True)
    (line,) = parse(pending)
    assert (line, json.loads(dump_line(line))["pending"]) == (pending, True)
    assert line.digest == digest_of(LINE)
    assert "pending" not in json.loads(dump_line(LINE))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tree: tree | {"schema": 2}, ["log, line 2", "schema", "2"]),
        (lambda tree: {key: value for key, value in tree.items() if key != "who"}, ["log, line 2", "who"]),
        (lambda tree: tree | {"colour": 1}, ["colour"]),
        (lambda tree: tree | {"digest": "0" * 64}, ["digest"]),
        (lambda tree: tree | {"arguments": "a"}, ["arguments", '"a"']),
        (lambda tree: tree | {"evidence": {"n": "3"}}, ["evidence.n", '"3"']),
        (lambda tree: tree | {"undoes": 1}, ["undoes", "1"]),
        (lambda tree: tree | {"undoes": "0" * 64}, ["line 2", "field undoes", "0" * 64, "not in the log", "Restore"]),
        (lambda tree: tree | {"patches": []}, ["patches", "[]"]),
        (lambda tree: tree | {"patches": [tree["patches"][0] | {"at": -1}]}, ["patches.0.at", "-1"]),
        (lambda tree: [], ["line 2", "[]"]),
    ],
)
def test_anything_else_is_an_error_with_its_line(change: object, words: list[str]) -> None:
    tree = json.loads(dump_line(LINE))
    data = dump_line(LINE) + json.dumps(change(tree)).encode() + b"\n"  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        parse_log(data, file="log")
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("name", ["undoes", "schema", "patches", "why"])
def test_a_line_that_lacks_a_field_is_an_error(name: str) -> None:
    tree = json.loads(dump_line(LINE))
    del tree[name]
    with pytest.raises(InputError, match="not a line of the vocabulary's log") as caught:
        parse_log(json.dumps(tree).encode() + b"\n", file="log")
    assert (caught.value.file, caught.value.field) == ("log, line 1", name)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (dump_line(LINE)[:-1], "line 1: the last line is cut off"),
        (dump_line(LINE) + b"{\n", "line 2: not JSON"),
        (dump_line(LINE) + b"\n \n{\n", "line 4: not JSON"),
        (b"\xff\n", "line 1: not UTF-8"),
    ],
)
def test_a_damaged_log_is_an_error_with_its_line(data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_log(data, file="log")
    assert words in str(caught.value)


EDITS = [replace(LINE, at=f"2026-02-03T04:05:06.{number:06}+00:00") for number in range(3)]
UNDOS = [replace(each, action="undo", undoes=digest_of(each)) for each in EDITS]


def test_the_last_edit_that_stands_is_undone() -> None:
    one, two, three = EDITS
    not_one, not_two, not_three = UNDOS
    assert find_undoable(()) is None
    assert find_undoable(parse(one, two)) == two
    assert find_undoable(parse(one, two, not_two)) == one
    assert find_undoable(parse(one, two, not_two, not_one)) is None
    assert find_undoable(parse(one, two, not_two, three)) == three
    assert find_undoable(parse(one, two, not_two, three, not_three)) == one


def test_an_undo_means_its_edit_wherever_a_merge_puts_both() -> None:
    one, two, _ = EDITS
    not_one, _, _ = UNDOS
    for lines in ((one, two, not_one), (two, one, not_one), (not_one, two, one), (one, not_one, not_one, two, one)):
        found = parse(*lines)
        assert find_undoable(found) == two
        assert find_undoable([line for line in found if line != two]) is None


def test_an_undo_of_an_undo_is_an_error() -> None:
    one, *_ = EDITS
    not_one, *_ = UNDOS
    with pytest.raises(InputError, match="undoes another undo") as caught:
        parse(one, not_one, replace(not_one, undoes=digest_of(not_one)))
    assert (caught.value.file, caught.value.field) == ("log, line 3", "undoes")


def test_blank_lines_are_skipped() -> None:
    one, two, _ = EDITS
    data = dump_line(one) + b"\n \n" + dump_line(two) + b"\n"
    assert parse_log(data, file="log") == (one, two)


# Patches


def test_a_patch_is_the_region_that_differs() -> None:
    before, after = b'{"a": ["x"], "b": []}', b'{"a": ["x", "y"], "b": []}'
    patch = make_patch("v", before, after)
    assert patch == Patch("v", 10, "", ', "y"', sha(before), sha(after))
    assert revert_patch(patch, after) == before
    assert revert_patch(invert_patch(patch), before) == after


def test_a_patch_never_cuts_a_character() -> None:
    before, after = "aéb😀c".encode(), "aèb😁c".encode()
    patch = make_patch("v", before, after)
    assert (patch.at, patch.before, patch.after) == (1, "éb😀", "èb😁")
    before, after = "aé".encode(), "aũ".encode()  # the last bytes are the same
    assert before[-1:] == after[-1:]
    assert make_patch("v", before, after).before == "é"


def test_repeats_are_no_trouble() -> None:
    for before, after in ((b"aaa", b"aaaa"), (b"abab", b"ab"), (b"", b"x"), (b"x", b""), (b"x", b"x")):
        assert revert_patch(make_patch("v", before, after), after) == before


def test_a_file_that_was_not_there() -> None:
    patch = make_patch("v", None, b"x")
    assert patch == Patch("v", 0, "", "x", None, sha(b"x"))
    assert revert_patch(patch, b"x") is None
    assert revert_patch(invert_patch(patch), None) == b"x"
    assert make_patch("v", None, b"") != make_patch("v", b"", b"")


@pytest.mark.parametrize("current", [b"x!", b"", None])
def test_a_file_that_has_changed_since_is_left_alone(current: bytes | None) -> None:
    with pytest.raises(EditRefused, match="has changed since") as caught:
        revert_patch(make_patch("v", b"", b"x"), current)
    assert caught.value.file == "v"


def test_a_patch_that_somebody_changed_is_found() -> None:
    patch = make_patch("v", b"abc", b"axc")
    for wrong in (replace(patch, before="d"), replace(patch, after="y"), replace(patch, at=0)):
        with pytest.raises(IntegrityError, match="does not give back"):
            revert_patch(wrong, b"axc")

"""The fast way (whole blocks by Arrow) and the exact way (record by record) of reading give the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, SupportsIndex

import pyarrow as pa
import pytest
from support.samples import project, validate_params

from tagpipe.errors import InputError
from tagpipe.formats.strict_json import WINDOW_BYTES
from tagpipe.steps.validate import json_layouts
from tagpipe.steps.validate import json_projects as received
from tagpipe.steps.validate.read_projects import read_projects
from tagpipe.steps.validate.received_rows import ReceivedRows

READ_BLOCK = received._read_block

ODD_TEXTS = [
    "},{",
    "} , {",
    '"},\n{"',
    "[[[]]]",
    "]}",
    "\\",
    "\\\\",
    'a "quoted" \\" word',
    "{[}]",
    "é😀\u2028",
    "\x7f\u0000",
    "tab\tnewline\r\n",
    "/slash\\/",
    '"id": 7}, {"id": 8',
    "",
]
RECORDS = [
    project(at, [text, "plain", text], title=f"t{text}", description=text, created_on="2020-01-01")
    for at, text in enumerate(ODD_TEXTS, 1)
]


def contents(found: ReceivedRows) -> dict[str, Any]:
    """Everything that was read, as plain values."""
    return {
        "rows": found.table.select(sorted(found.table.column_names)).to_pylist() if found.table.num_columns else [],
        "failures": sorted(map(repr, found.failures)),
        "n_rows": found.n_rows,
        "records": list(found.read_rows(list(range(1, found.n_rows + 1)))),
    }


def read(data: bytes, suffix: str = ".json", **changes: Any) -> dict[str, Any]:
    return contents(read_projects(data, suffix, validate_params(**changes), file="f"))


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """`read`, always the exact way."""

    def read_exactly(*args: Any, **changes: Any) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.setattr(received, "_read_block", lambda *_: None)
            return read(*args, **changes)

    return read_exactly


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each block was read the fast way, as reading goes on."""
    taken: list[bool] = []

    def note(*args: Any) -> pa.StructArray | None:
        columns = READ_BLOCK(*args)
        taken.append(columns is not None)
        return columns

    monkeypatch.setattr(received, "_read_block", note)
    return taken


FORMS = {
    "compact": json.dumps(RECORDS, ensure_ascii=False, separators=(",", ":")),
    "escaped": json.dumps(RECORDS),
    "pretty": json.dumps(RECORDS, ensure_ascii=False, indent=2),
    "crlf": json.dumps(RECORDS, indent=1).replace("\n", "\r\n"),
    "crlf between": "[" + ",\r\n".join(map(json.dumps, RECORDS)) + "\r\n]\r\n",
    "one a line": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "comma first": "[" + "\n , ".join(map(json.dumps, RECORDS)) + "]",
    "spaced": "  [ \t" + " ,  ".join(map(json.dumps, RECORDS)) + " ] \n ",
}
LINES = {
    "ndjson": "\n".join(map(json.dumps, RECORDS)),
    "ndjson crlf": "\r\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS) + "\r\n",
    "ndjson blank lines": "\n \n".join(map(json.dumps, RECORDS)) + "\n\n",
}
DOCUMENTS = {
    **{name: (text.encode(), ".json") for name, text in FORMS.items()},
    **{name: (text.encode(), ".ndjson") for name, text in LINES.items()},
}


@pytest.mark.parametrize("form", DOCUMENTS)
def test_all_forms_hold_the_same_records_either_way(
    form: str, exactly: Callable[..., dict[str, Any]], blocks: list[bool]
) -> None:
    data, suffix = DOCUMENTS[form]
    fast = read(data, suffix)
    if form != "ndjson blank lines":
        assert blocks == [True]
    assert [record for _, record in fast["records"]] == RECORDS
    assert [row["tags"] for row in fast["rows"]] == [record["tags"] for record in RECORDS]
    assert fast == exactly(data, suffix)


@pytest.mark.parametrize("block_bytes", [1, 7, 40, 64, 100, 150, 333, 1000])
@pytest.mark.parametrize("form", DOCUMENTS)
def test_blocks_of_any_size_give_the_same(form: str, block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, suffix = DOCUMENTS[form]
    whole = read(data, suffix)
    monkeypatch.setattr(json_layouts, "BLOCK_BYTES", block_bytes)
    ends: list[int] = []
    found = read_projects(data, suffix, validate_params(), file="f", progress=lambda done, _: ends.append(done))
    assert contents(found) == whole
    assert len(ends) > 1
    assert ends == sorted(set(ends))


def test_blocks_of_every_size_around_texts_that_look_like_the_end_of_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [project(1, ["},{"]), project(2, [], title='},{"id":9,"title":"x"},{"id":8,'), project(3, ["a", "]"])]
    data = json.dumps(records, separators=(",", ":")).encode()
    whole = read(data)
    assert [record for _, record in whole["records"]] == records
    for block_bytes in range(1, len(data) + 2):
        monkeypatch.setattr(json_layouts, "BLOCK_BYTES", block_bytes)
        assert read(data) == whole


@pytest.mark.parametrize(
    "odd",
    [
        project(9, unmapped=1),
        project(9, unmapped={"a": [1, {"b": None}]}),
        project(9, 3),
        project(9, [1]),
        project(9, [None]),
        project(9, None),
        project(9, "one text"),
        project(9, title=None),
        project(9, title=1.5),
        project(9, title=True),
        project(9, title="\ud800"),
        project(9, created_on=5),
        project("9"),
        project(9) | {"id": 9.0},
        project(9) | {"id": 1 << 64},
        project(9) | {"id": -0.0},
        {"tags": [], "title": "in another order", "id": 9},
        {},
        [],
        "text",
        None,
    ],
)
def test_an_odd_record_among_regular_ones(
    odd: object, exactly: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [json.dumps([*RECORDS[:4], odd, *RECORDS[4:]]).encode()]
    if isinstance(odd, dict) and {"id", "title", "tags"} <= set(odd):
        documents.append(json.dumps([odd, *RECORDS]).encode())
    for data in documents:
        whole = exactly(data)
        assert read(data) == whole
        monkeypatch.setattr(json_layouts, "BLOCK_BYTES", 200)
        assert read(data) == whole
        monkeypatch.undo()


def test_only_the_block_with_an_odd_record_is_read_the_exact_way(
    blocks: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [project(at) for at in range(60)]
    records[30]["unmapped"] = 1
    monkeypatch.setattr(json_layouts, "BLOCK_BYTES", 600)
    assert read(json.dumps(records).encode())["n_rows"] == 60
    assert blocks.count(False) == 1
    assert blocks.count(True) >= 4


@pytest.mark.parametrize(
    "written", ["-0", "0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e3", "1E0", "1.0"]
)
def test_numbers_either_way(written: str, exactly: Callable[..., dict[str, Any]]) -> None:
    data = b'[{"id": 1, "title": "t", "tags": []}, {"id": %s, "title": "t", "tags": []}]' % written.encode()
    assert read(data) == exactly(data)


GOOD = json.dumps(project(1, ["a"]))


@pytest.mark.parametrize(
    "text",
    [
        f"[{GOOD},]",
        f"[{GOOD} {GOOD}]",
        f"[{GOOD},,{GOOD}]",
        f"[{GOOD}",
        f"[{GOOD},",
        f"[{GOOD}]]",
        f"[{GOOD}] x",
        f"[{GOOD}] x]",
        f"[{GOOD}][{GOOD}]",
        f'[{GOOD}],"r":[{GOOD}]',
        f'[{GOOD}],"x":[{GOOD}]',
        f'[{GOOD}]}}\n{{"r":[{GOOD}]',
        f"[{GOOD}, // comment\n{GOOD}]",
        f"[{GOOD}, /* comment */ {GOOD}]",
        f'[{GOOD}, {{"id": 2, "id": 2, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "\\u0069d": 3, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": [], "x": 1, "x": 1}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": [], "x": {{"y": 1, "y": 2}}}}]',
        f'[{GOOD}, {{"id": NaN, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": NaN, "tags": []}}]',
        f'[{GOOD}, {{"id": 02, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": +2, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "t\tt", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "t\nt", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "\\x", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "\\u12g4", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": \'t\', "tags": []}}]',
        f'[{GOOD}, {{id: 2, "title": "t", "tags": []}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": [],}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": ["a",]}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": ["a" "b"]}}]',
        f'[{GOOD}, {{"id": 2, "title": "t", "tags": {"[" * 70}{"]" * 70}}}]',
        "",
        " ",
        "{}",
        GOOD,
        "[",
        "null",
    ],
)
def test_what_json_does_not_allow_is_refused_at_the_same_byte_either_way(
    text: str, exactly: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for block_bytes in (1 << 20, 20):
        monkeypatch.setattr(json_layouts, "BLOCK_BYTES", block_bytes)
        with pytest.raises(InputError) as fast:
            read_projects(text.encode(), ".json", validate_params(), file="f")
        with pytest.raises(InputError) as exact:
            exactly(text.encode())
        assert fast.value.as_dict() == exact.value.as_dict()
        assert "byte" in fast.value.what or "list of projects" in fast.value.what


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD, f"{GOOD},{GOOD}"],
        [GOOD, f"{GOOD}{GOOD}"],
        [GOOD, f"{GOOD},"],
        [GOOD, f",{GOOD}"],
        [GOOD, '{"id": 2', '"title": "t", "tags": []}'],
        [GOOD, '{"id": 2', f'"title": "t", "tags": []}}, {GOOD}'],
        [GOOD, '{"id": 2, "title": "t", "tags": ["a"', f'"b"]}}, {GOOD}'],
        [GOOD, '{"id": 2, "title": "t", "tags": []', f"}}, {GOOD}"],
        [GOOD, "[", GOOD, "]"],
        [GOOD, f"[{GOOD}]x"],
    ],
)
def test_lines_that_are_not_one_value_each_are_refused_either_way(
    lines: list[str], exactly: Callable[..., dict[str, Any]]
) -> None:
    data = "\n".join(lines).encode()
    with pytest.raises(InputError) as fast:
        read_projects(data, ".ndjson", validate_params(), file="f")
    with pytest.raises(InputError) as exact:
        exactly(data, ".ndjson")
    assert fast.value.as_dict() == exact.value.as_dict()
    assert " at byte " in fast.value.what


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x28\xa1"])
@pytest.mark.parametrize("place", [b'"title 2"', b'"b"', b'"description"'])
def test_bytes_that_are_not_utf8_are_refused_at_their_byte(bad: bytes, place: bytes) -> None:
    clean = json.dumps([project(1, ["a"]), project(2, ["b"]), project(3)]).encode()
    at = clean.rindex(place) + 1
    data = clean[:at] + bad + clean[at:]
    with pytest.raises(InputError) as caught:
        read(data)
    assert caught.value.what == f"not UTF-8 at byte {at}"


def test_bytes_far_behind_the_first_record_must_be_utf8_too() -> None:
    # The first record is read strictly, with a window of bytes after it; behind that, only whole blocks are read.
    clean = json.dumps(
        [project(1, ["a"]), project(2, ["b"], description="x" * WINDOW_BYTES), project(3, ["c"])]
    ).encode()
    start = clean.rindex(b'"c"') + 1
    with pytest.raises(InputError, match=f"not UTF-8 at byte {start}"):
        read(clean[:start] + b"\xff" + clean[start:])


def test_the_byte_of_an_error_is_counted_from_the_start_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [project(at, ["é😀"]) for at in range(100)]
    head = json.dumps(records, ensure_ascii=False).encode()[:-1]
    for block_bytes in (200, 1 << 20):
        monkeypatch.setattr(json_layouts, "BLOCK_BYTES", block_bytes)
        with pytest.raises(InputError) as caught:
            read(head + b", nul]")
        assert f" at byte {len(head) + 2}" in caught.value.what
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()
    with pytest.raises(InputError) as caught:
        read(lines + b"\nnul\n", ".ndjson")
    assert f" at byte {len(lines) + 1}" in caught.value.what


def test_rows_are_given_back_as_received(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [project(at, unmapped={"n": at}) if at % 7 == 0 else project(at) for at in range(1, 50)]
    for data, suffix in (
        (json.dumps(records).encode(), ".json"),
        ("\n".join(map(json.dumps, records)).encode(), ".jsonl"),
    ):
        for block_bytes in (100, 500, 1 << 20):
            monkeypatch.setattr(json_layouts, "BLOCK_BYTES", block_bytes)
            found = read_projects(data, suffix, validate_params(), file="f")
            assert list(found.read_rows([1, 7, 8, 14, 49])) == [(row, records[row - 1]) for row in (1, 7, 8, 14, 49)]


class Sliced:
    """Bytes that can only be measured and sliced, as a file is."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, where: slice) -> bytes:
        return self._data[where]


@pytest.mark.parametrize("form", DOCUMENTS)
def test_what_can_only_be_sliced_is_read_like_bytes(form: str) -> None:
    data, suffix = DOCUMENTS[form]
    assert read(Sliced(data), suffix) == read(data, suffix)  # type: ignore[arg-type]


class CountedBytes(bytes):
    """Bytes that count how many of them were copied out by slicing."""

    n_copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, bytes):
            CountedBytes.n_copied += len(part)
        return part


def copied_for(n_projects: int, suffix: str) -> int:
    """Bytes copied while as many projects are read the exact way, as a field more than is mapped requires."""
    records = [json.dumps(project(at, unmapped=1)) for at in range(n_projects)]
    text = "\n".join(records) if suffix == ".ndjson" else f"[{','.join(records)}]"
    CountedBytes.n_copied = 0
    assert read_projects(CountedBytes(text.encode()), suffix, validate_params(), file="f").n_rows == n_projects
    return CountedBytes.n_copied


@pytest.mark.parametrize("suffix", [".json", ".ndjson"])
def test_reading_the_exact_way_takes_time_in_proportion_to_the_size(suffix: str) -> None:
    assert copied_for(6000, suffix) < 2.5 * copied_for(3000, suffix)

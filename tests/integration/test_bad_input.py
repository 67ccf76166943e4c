"""Bad input through `tagpipe build`: one error that says where and what to do, and the last good outputs untouched.

A case is an edit of one small good input. In its text `§` (removed) marks the byte that the message must name.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tagpipe.steps.validate.json_layouts import BLOCK_BYTES

PARAMS = """\
schema: 1
source:
  projects: {path: projects.json}
  vocabulary: {path: vocabulary.json}
  download: {timeout_s: 5.0, max_bytes: 1000000, max_decoded_bytes: 1000000, attempts: 1, allow_private: false}
validate:
  fields: {id: id, title: title, description: description, tags: tags, created_on: created_on}
  id: integer
  required: [id, title, tags]
  created_on: iso
  tags_separator: null
  max_rejected: 0.0
annotate:
  normalize: true
  aliases: true
  exclude: []
  parents: keep
  text: [title, description]
threshold:
  min_projects: 1
  unlabeled: drop
"""
RECORDS: list[Any] = [
    {"id": 101, "title": "Räksmörgås", "description": "d", "tags": ["nlp", "bert"], "created_on": "2024-01-01"},
    {"id": 102, "title": "Two", "description": "", "tags": ["transformers"], "created_on": "2024-01-02 10:00"},
    {"id": 103, "title": "Three", "description": "d", "tags": ["cv"], "created_on": "2024-01-03T10:00:00Z"},
    {"id": 104, "title": "Four", "description": "d", "tags": ["cv", "unheard-of"], "created_on": None},
    {"id": 105, "title": "Five", "description": "d", "tags": ["Natural Language"], "created_on": "2024-01-05"},
    {"id": 106, "title": "Six", "description": "d", "tags": ["pytorch"], "created_on": "2024-01-06"},
]
VOCABULARY: dict[str, Any] = {
    "nlp": {"aliases": ["natural-language"]},
    "transformers": {"aliases": ["transformer"], "parents": ["nlp"]},
    "bert": {"parents": ["transformers"]},
    "cv": {},
    "pytorch": {"aliases": ["torch"]},
}
ONE = '{"id": 101, "title": "é", "tags": ["nlp"]}'
"""A good record, in more bytes than characters."""

HOSTILE = "\x1b[31mred\x00\r\n\u202e\u2028[bold]markup[/bold]" + "x" * 100_000
"""What a terminal, a log, rich and a message's length would suffer from."""
HOSTILE_JSON = json.dumps(HOSTILE)
"""The same as a JSON text, which is a YAML text too."""


class Special(Enum):
    """What may stand where an input file should."""

    ABSENT = "absent"
    FOLDER = "folder"


Content = bytes | Special
GOOD_PROJECTS = json.dumps(RECORDS).encode()
GOOD_VOCABULARY = json.dumps(VOCABULARY).encode()
GOOD_PARAMS = PARAMS.encode()


@dataclass(frozen=True)
class Inputs:
    """The three files of a `tagpipe build`."""

    projects: Content = GOOD_PROJECTS
    vocabulary: Content = GOOD_VOCABULARY
    params: Content = GOOD_PARAMS
    projects_name: str = "projects.json"
    vocabulary_name: str = "vocabulary.json"

    def write(self, folder: Path) -> list[str]:
        """Write them; the options that name them."""
        options = []
        for option, name, content in (
            ("--projects", self.projects_name, self.projects),
            ("--vocabulary", self.vocabulary_name, self.vocabulary),
            ("--params", "params.yaml", self.params),
        ):
            path = folder / name
            if content is Special.FOLDER:
                path.mkdir()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            options += [option, str(path)]
        return options


class Case(NamedTuple):
    """An input, and how it must end: the exit code, and what standard error must hold."""

    name: str
    inputs: Inputs
    exit_code: int
    fragments: tuple[str, ...]


def marked(text: str | bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes without the mark, and `at byte N` of its place, if it is marked."""
    data = text.encode() if isinstance(text, str) else text
    before, mark, after = data.partition("§".encode())
    return before + after, ((f"at byte {len(before)}",) if mark else ())


def bad_json(name: str, text: str | bytes, *fragments: str) -> Case:
    """Projects that are no JSON list: exit 3, with the file, the byte and what to do."""
    data, place = marked(text)
    return Case(f"JSON: {name}", Inputs(projects=data), 3, ("projects.json", *place, *fragments))


def bad_lines(name: str, text: str | bytes, *fragments: str) -> Case:
    """Projects that are no NDJSON."""
    data, place = marked(text)
    return Case(
        f"NDJSON: {name}", Inputs(data, projects_name="projects.ndjson"), 3, ("projects.ndjson", *place, *fragments)
    )


def bad_csv(name: str, text: str | bytes, exit_code: int, *fragments: str) -> Case:
    """Projects as CSV; tags separated by `|`."""
    data, place = marked(text)
    params = edit("tags_separator: null", 'tags_separator: "|"')
    return Case(
        f"CSV: {name}", Inputs(data, params=params, projects_name="projects.csv"), exit_code, (*place, *fragments)
    )


def bad_records(name: str, records: list[Any], exit_code: int, *fragments: str, params: bytes | None = None) -> Case:
    """Projects that are JSON, but not what they should be."""
    inputs = Inputs(json.dumps(records).encode(), params=params or GOOD_PARAMS)
    return Case(name, inputs, exit_code, ("projects.json", *fragments))


def bad_vocabulary(name: str, tree: object, *fragments: str, suffix: str = ".json") -> Case:
    """A vocabulary (a text or bytes: as it is; else as JSON) that must end in exit 3."""
    data, place = marked(tree if isinstance(tree, str | bytes) else json.dumps(tree))
    inputs = Inputs(vocabulary=data, vocabulary_name="vocabulary" + suffix)
    return Case(f"vocabulary: {name}", inputs, 3, ("vocabulary" + suffix, *place, *fragments))


def bad_params(name: str, old: str, new: str, *fragments: str) -> Case:
    """Parameters with `old` replaced by `new`: exit 2."""
    return Case(f"params: {name}", Inputs(params=edit(old, new)), 2, ("params.yaml", *fragments))


def bad_yaml(name: str, data: bytes, *fragments: str) -> Case:
    """Other bytes altogether as parameters: exit 2."""
    return Case(f"params: {name}", Inputs(params=data), 2, ("params.yaml", *fragments))


def edit(old: str, new: str) -> bytes:
    """PARAMS with `old`, which must be there once, replaced."""
    assert PARAMS.count(old) == 1, old
    return PARAMS.replace(old, new).encode()


def with_third(**changes: object) -> list[Any]:
    """RECORDS with fields of the third changed."""
    return [*RECORDS[:2], {**RECORDS[2], **changes}, *RECORDS[3:]]


def without_third(field: str) -> list[Any]:
    """RECORDS, where the third lacks a field."""
    return [*RECORDS[:2], {name: value for name, value in RECORDS[2].items() if name != field}, *RECORDS[3:]]


def deep_in_5_mb(broken: str) -> str:
    """A list of more than 5 MB (and more than a block of the reader's) whose last record but one is `broken`."""
    good = json.dumps({**RECORDS[0], "description": "ä" * 480}, ensure_ascii=False)
    n_records = max(5_500_000, BLOCK_BYTES + 500_000) // len(good.encode())
    records = (good.replace("101", str(number)) for number in range(1000, 1000 + n_records))
    return "[" + ",\n".join([*records, broken, ONE]) + "]"


NOTHING_BUILT = "nothing was built from it"

JSON_CASES = [
    bad_json("cut off in a list", f"[{ONE}§", "the end of the file", NOTHING_BUILT),
    bad_json("cut off in a record", f'[{ONE}, {{"id": 102, "title": §"Tw', NOTHING_BUILT),
    bad_json("cut off in a long text", f'[{ONE}, {{"id": 102, "title": §"' + "word " * 2000, NOTHING_BUILT),
    bad_json("cut off in a long key", f'[{ONE}, {{"id": 102, §"' + "k" * 2000, NOTHING_BUILT),
    bad_json("cut off behind a comma", f"[{ONE},§", "the end of the file"),
    bad_json("trailing comma in the list", f"[{ONE},§]", NOTHING_BUILT),
    bad_json("trailing comma in a record", f'[{ONE}, {{"id": 102,}}]', "not JSON", "at byte 5"),
    bad_json("no comma between records", f"[{ONE} §{ONE}]", "expected , or ]"),
    bad_json("no comma between fields", f'[{ONE}, {{"id": 102 §"title": "x"}}]', "not JSON"),
    bad_json("data behind the list", f"[{ONE}] §{{}}", "data after the end of the document"),
    bad_json("a second list", f"[{ONE}]\n§[{ONE}]", "data after the end of the document"),
    bad_json("a list closed early, as a parser's wrapper would", f'[{ONE}]§, "r": [{ONE}]', "data after the end"),
    bad_json("NUL behind the list", f"[{ONE}]§\0\0", "data after the end of the document"),
    bad_json("NaN", f'[{ONE}, {{"id": §NaN, "title": "x", "tags": []}}]', "NaN"),
    bad_json("NaN in an unmapped field", f'[{ONE}, {{"id": 1, "title": "x", "tags": [], "n": §NaN}}]', "NaN"),
    bad_json("Infinity", f'[{ONE}, {{"id": 1, "title": "x", "tags": [], "n": [§-Infinity]}}]', "Infinity"),
    bad_json("duplicate key", f'[{ONE}, {{"id": 1, "title": "x", §"id": 2, "tags": []}}]', "duplicate key", '"id"'),
    bad_json("duplicate key, spelt otherwise", f'[{ONE}, {{"id": 1, "title": "x", §"\\u0069d": 2}}]', "duplicate key"),
    bad_json("duplicate key in the first record", '[{"id": 1, "tags": [], §"tags": ["a"]}]', "duplicate key", '"tags"'),
    bad_json("duplicate key nested", f'[{ONE}, {{"id": 1, "x": [{{"a": 1, §"a": 1}}]}}]', "duplicate key", '"a"'),
    bad_json("duplicate unmapped key", f'[{ONE}, {{"id": 1, "stars": 1, §"stars": 1}}]', "duplicate key", '"stars"'),
    bad_json("duplicate key, hostile", f"[{ONE}, {{{HOSTILE_JSON}: 1, §{HOSTILE_JSON}: 1}}]", "duplicate"),
    bad_json("single quotes", f"[{ONE}, {{§'id': 1}}]", "not JSON"),
    bad_json("line comment", f"[{ONE}, §// more\n{ONE}]", "not JSON"),
    bad_json("block comment", f"§/* projects */ [{ONE}]", "not a list of projects"),
    bad_json("Python's None", f'[{ONE}, {{"id": 1, "title": §None, "tags": []}}]', "not JSON"),
    bad_json("unquoted key", f"[{ONE}, {{§id: 1}}]", "not JSON"),
    bad_json("empty file", "§", "not a list of projects", "the end of the file", NOTHING_BUILT),
    bad_json("white space only", " \n\t \r\n§", "not a list of projects", "the end of the file"),
    bad_json("empty list", "[ ]", "holds no projects", "Check the source"),
    bad_json("an object", f'§{{"projects": [{ONE}]}}', "not a list of projects", "[ and one object a project"),
    bad_json("a text", '§"projects"', "not a list of projects"),
    bad_json("a number", "§42", "not a list of projects"),
    bad_json("null", "§null", "not a list of projects"),
    bad_json("HTML", "§<!doctype html><title>404</title>", "not a list of projects", "<!doctype html>"),
    bad_json("byte order mark", b"\xef\xbb\xbf[" + ONE.encode() + b"]", "byte order mark", "Save it without the mark"),
    bad_json("depth bomb of lists", "[" * 65 + "§" + "[" * 100_000, "nested deeper than 64"),
    bad_json("depth bomb of objects", "[" + '{"a":' * 64 + "§" + '{"a":' * 100_000, "nested deeper than 64"),
    bad_json("depth bomb in a later record", f"[{ONE}, " + "[" * 64 + "§" + "[" * 100_000, "nested deeper than 64"),
    bad_json("depth bomb, closed", f"[{ONE}, " + "[" * 64 + "§" + "[" * 9000 + "]" * 9064 + "]", "nested deeper"),
    bad_json("newline in a text", f'[{ONE}, {{"id": 1, "title": "a§\nb", "tags": []}}]', "control character"),
    bad_json("escape character in a text", f'[{ONE}, {{"id": 1, "title": "a§\x1b[31m", "tags": []}}]', "control"),
    bad_json("NUL in a text", f'[{ONE}, {{"id": 1, "title": "a§\0", "tags": []}}]', "control character"),
    bad_json("bad escape", f'[{ONE}, {{"id": 1, "title": "a§\\x41", "tags": []}}]', "escape"),
    bad_json("bad unicode escape", f'[{ONE}, {{"id": 1, "title": "\\§u12G4", "tags": []}}]', "escape"),
    bad_json("leading zero", f'[{ONE}, {{"id": 0§123, "title": "x", "tags": []}}]', "not JSON"),
    bad_json("leading plus", f'[{ONE}, {{"id": §+1, "title": "x", "tags": []}}]', "not JSON"),
    bad_json("hexadecimal", f'[{ONE}, {{"id": 0§x1F, "title": "x", "tags": []}}]', "not JSON"),
    bad_json("colons", f'[{ONE}, {{"id":§: : : 1}}]', "not JSON"),
    bad_json("a comma for a key", f"[{ONE}, {{§,:,:1}}]", "not JSON"),
    bad_json("a mistake ahead of a duplicate key", f'[{ONE}, {{"id": §nope, "a": 1, "a": 1}}]', "not JSON", "nope"),
    bad_json("5000 digits", f'[{ONE}, {{"id": {"9" * 5000}, "title": "x", "tags": []}}]', "too long", "at byte"),
    bad_json("5000 digits, unmapped", f'[{ONE}, {{"id": 1, "tags": [], "n": {"9" * 5000}}}]', "too long", "at byte"),
    bad_json("5000 digits, first", f'[{{"id": {"9" * 5000}, "title": "x", "tags": []}}]', "too long", "at byte"),
    bad_json("a number beyond any float", f'[{ONE}, {{"id": 1, "title": "", "tags": [], "n": 1e999}}]', "at byte"),
    bad_json("100 kB of junk", f"[{ONE}, §" + HOSTILE.replace("x", "\x7f") + "]", "not JSON"),
    bad_json("deep in 5 MB", deep_in_5_mb('{"id": 7, "title": §nope, "tags": []}'), "not JSON", "nope"),
    bad_json("duplicate key deep in 5 MB", deep_in_5_mb('{"id": 7, §"id": 8, "tags": []}'), "duplicate key"),
    bad_json("no comma deep in 5 MB", deep_in_5_mb(ONE + "§" + ONE), "expected , or ]"),
]

ENCODING_CASES = [
    bad_json("Latin-1", b'[{"id": 1, "title": "caf\xc2\xa7\xe9", "tags": []}]', "not UTF-8", "Save the file as UTF-8"),
    bad_json("Latin-1 in a later record", f"[{ONE}, ".encode() + b'{"id": 1, "title": "\xc2\xa7\xfc"}]', "not UTF-8"),
    bad_json("UTF-16 with its mark", f"[{ONE}]".encode("utf-16"), "not UTF-8 at byte 0", "Save the file as UTF-8"),
    bad_json("UTF-16 without a mark", f"[{ONE}]".encode("utf-16-le"), "projects.json", "at byte"),
    bad_json("a character cut off", b'[{"id": 1, "title": "caf\xc2\xa7\xc3', "not UTF-8"),
    bad_json("an overlong slash", f'[{ONE}, {{"id": 1, "title": "'.encode() + b'\xc2\xa7\xc0\xaf"}]', "not UTF-8"),
    bad_json(
        "a surrogate as bytes", f'[{ONE}, {{"id": 1, "title": "'.encode() + b'\xc2\xa7\xed\xa0\x80"}]', "not UTF-8"
    ),
    bad_json(
        "Latin-1 deep in 5 MB",
        deep_in_5_mb('{"id": 7, "title": "§?", "tags": []}').encode().replace(b"?", b"\xe9"),
        "not UTF-8",
        "Save the file as UTF-8",
    ),
]

LINES_CASES = [
    bad_lines("two objects on a line", f"{ONE}\n{ONE} §{ONE}\n", "data after the end of the line", "one JSON object"),
    bad_lines("a comma behind each line", f"{ONE}§,\n{ONE}\n", "data after the end of the line"),
    bad_lines("an object over several lines", f'{ONE}\n{{"id": 1,\n "title": "x", "tags": []}}\n', "at byte"),
    bad_lines(
        "an object over two lines, broken where a comma is due",
        f'{ONE}\n{{"id": 1, "title": "x"§\n"tags": ["nlp"]}}\n',
        "not JSON",
    ),
    bad_lines("a list over two lines, without its comma", f'{ONE}\n{{"id": 1, "title": "x", "tags": ["a"§\n"b"]}}\n'),
    bad_lines(
        "two mistakes that leave as many lines as records",
        f'{ONE}\n{ONE}§,{ONE}\n{{"id": 1, "title": "x"\n"tags": ["nlp"]}}\n',
        "data after the end of the line",
    ),
    bad_lines("a line cut off", f'{ONE}\n{{"id": 1, "title": §"Tw\n{ONE}\n', "not JSON"),
    bad_lines("the last line cut off", f'{ONE}\n{{"id": 1, "title": §"Tw', "not JSON"),
    bad_lines("a line cut off in a long text", f'{ONE}\n{{"id": 1, "title": §"{"word " * 2000}\n{ONE}\n', "not JSON"),
    bad_lines("duplicate key in a line", f'{ONE}\n{{"id": 1, §"id": 2}}\n', "duplicate key"),
    bad_lines("Latin-1 in a line", f"{ONE}\n".encode() + b'{"id": 1, "title": "\xc2\xa7\xe9"}\n', "not UTF-8"),
    bad_lines("byte order mark on lines", b"\xef\xbb\xbf" + ONE.encode(), "byte order mark"),
    bad_lines("no lines", "\n \n", "holds no projects"),
    bad_lines("a JSON list under the wrong ending", f"[{ONE}]\n", "all 1 rows were rejected", "row 1", "not_an_object"),
]

HEADER = "id,title,description,tags,created_on\n"
CSV_CASES = [
    bad_csv("no header", "101,One,d,nlp,2024-01-01\n", 3, "projects.csv", "field id", "validate.fields.id"),
    bad_csv("a name twice", "id,title,tags,tags\n1,a,b,c\n", 3, "names a field twice", "tags", "Rename"),
    bad_csv("a hostile name twice", f'"{HOSTILE}","{HOSTILE}"\n1,2\n', 3, "projects.csv", "names a field twice"),
    bad_csv("a name of 200 kB", "i" * 200_000 + ",title\n1,One\n", 3, "projects.csv", "header", "first line"),
    bad_csv("a first line of one open quotation", '"id,' + "x" * 200_000 + '"\n', 3, "projects.csv", "header"),
    bad_csv("header only", HEADER, 3, "projects.csv", "holds no projects"),
    bad_csv("empty", "", 3, "projects.csv", "has no header"),
    bad_csv("blank lines only", "\n\n", 3, "projects.csv", "has no header"),
    bad_csv("quotation mark never closed", HEADER + '1,"One,d,nlp,\n2,Two,d,cv,\n', 3, "never closed", "Double"),
    bad_csv("Latin-1", HEADER.encode() + b"1,caf\xc2\xa7\xe9,d,nlp,\n", 3, "not UTF-8", "Save the file as UTF-8"),
    bad_csv("UTF-16", HEADER.encode("utf-16"), 3, "not UTF-8 at byte 0", "Save the file as UTF-8"),
    bad_csv("too few fields", HEADER + "1,One,d,nlp,\n2,Two\n", 4, "row 2", "wrong_field_count", '"2,Two"'),
    bad_csv("too many fields", HEADER + "1,One,d,nlp,,more\n2,Two,d,cv,\n", 4, "row 1", "wrong_field_count"),
    bad_csv("header again", HEADER + "1,One,d,nlp,\n" + HEADER, 4, "row 2", "field id", "wrong_type", '"id"'),
    bad_csv("id with a point", HEADER + "1,One,d,nlp,\n2.0,Two,d,cv,\n", 4, "row 2", "field id", '"2.0"'),
    bad_csv("semicolons", "id;title;tags\n1;One;nlp\n", 3, "field id", "validate.fields.id"),
]


class BadRow(NamedTuple):
    """A third row that must be rejected: under which field and reason, and what the message shows of it."""

    name: str
    records: list[Any]
    field: str | None
    reason: str
    found: str = ""
    created_on: str = "iso"

    def params(self, *, max_rejected: float) -> bytes:
        text = PARAMS.replace("max_rejected: 0.0", f"max_rejected: {max_rejected}")
        return text.replace("created_on: iso", f"created_on: {self.created_on}").encode()


def with_epochs(third: object, unit: int = 1) -> list[Any]:
    """RECORDS with integers as times, the third's as given."""
    records = [{**record, "created_on": 1_700_000_000 * unit} for record in RECORDS]
    records[2]["created_on"] = third
    return records


BAD_ROWS = [
    BadRow("row is null", [*RECORDS[:2], None, *RECORDS[3:]], None, "not_an_object", "null"),
    BadRow("row is a number", [*RECORDS[:2], 7, *RECORDS[3:]], None, "not_an_object", "7"),
    BadRow("row is a list", [*RECORDS[:2], [103, "Three"], *RECORDS[3:]], None, "not_an_object", '[103, "Three"]'),
    BadRow("row is a hostile text", [*RECORDS[:2], HOSTILE, *RECORDS[3:]], None, "not_an_object", '"\\u001b[31m'),
    BadRow("id missing", without_third("id"), "id", "missing", "null"),
    BadRow("id null", with_third(id=None), "id", "missing", "null"),
    BadRow("id a text", with_third(id="103"), "id", "wrong_type", '"103"'),
    BadRow("id a float", with_third(id=103.0), "id", "wrong_type", "103.0"),
    BadRow("id a bool", with_third(id=True), "id", "wrong_type", "true"),
    BadRow("id too large", with_third(id=2**63), "id", "out_of_range", "9223372036854775808"),
    BadRow("id far too large", with_third(id=-(10**4000)), "id", "out_of_range", "-1000"),
    BadRow("id a hostile text", with_third(id=HOSTILE), "id", "wrong_type", '"\\u001b[31mred\\u0000\\r\\n\\u202e'),
    BadRow("title missing", without_third("title"), "title", "missing"),
    BadRow("title null", with_third(title=None), "title", "missing"),
    BadRow("title blank", with_third(title=" \t\u3000"), "title", "blank"),
    BadRow("title empty", with_third(title=""), "title", "blank"),
    BadRow("title a number", with_third(title=3), "title", "wrong_type", "3"),
    BadRow("title a lone surrogate", with_third(title="bad \ud83d!"), "title", "bad_text", '"bad \\ud83d!"'),
    BadRow("title a hostile number list", with_third(title=[HOSTILE]), "title", "wrong_type", '["\\u001b[31m'),
    BadRow("description a list", with_third(description=["d"]), "description", "wrong_type", '["d"]'),
    BadRow("tags missing", without_third("tags"), "tags", "missing"),
    BadRow("tags null", with_third(tags=None), "tags", "missing"),
    BadRow("tags a number", with_third(tags=5), "tags", "wrong_type", "5"),
    BadRow("tags an object", with_third(tags={"a": 1}), "tags", "wrong_type", '{"a": 1}'),
    BadRow("tags a list of numbers", with_third(tags=["nlp", 2]), "tags", "wrong_type", '["nlp", 2]'),
    BadRow("tags a list with null", with_third(tags=["nlp", None]), "tags", "wrong_type", '["nlp", null]'),
    BadRow("tags a list of lists", with_third(tags=[["nlp"]]), "tags", "wrong_type", '[["nlp"]]'),
    BadRow("a tag with a lone surrogate", with_third(tags=["\udc00"]), "tags", "bad_text", '["\\udc00"]'),
    BadRow("created_on no date", with_third(created_on="yesterday"), "created_on", "bad_timestamp", '"yesterday"'),
    BadRow("created_on an impossible date", with_third(created_on="2023-02-29"), "created_on", "bad_timestamp"),
    BadRow("created_on month first", with_third(created_on="01/31/2024"), "created_on", "bad_timestamp"),
    BadRow("created_on blank", with_third(created_on=""), "created_on", "bad_timestamp", '""'),
    BadRow("created_on hostile", with_third(created_on=HOSTILE), "created_on", "bad_timestamp", '"\\u001b[31m'),
    BadRow("created_on an epoch, not ISO", with_third(created_on=1700000000), "created_on", "wrong_type", "1700000000"),
    BadRow("created_on before 1970", with_third(created_on="1969-12-31"), "created_on", "out_of_range", '"1969-12-31'),
    BadRow("created_on in 2200", with_third(created_on="2200-01-01"), "created_on", "out_of_range", '"2200-01-01'),
    BadRow("created_on ISO, not an epoch", with_epochs("2024-01-01"), "created_on", "wrong_type", "", "epoch_s"),
    BadRow("created_on ms, not s", with_epochs(1_700_000_000_000), "created_on", "out_of_range", "", "epoch_s"),
    BadRow("created_on beyond any time", with_epochs(2**62, 1000), "created_on", "out_of_range", "", "epoch_ms"),
    BadRow("created_on a negative epoch", with_epochs(-5), "created_on", "out_of_range", "", "epoch_s"),
    BadRow("created_on a float epoch", with_epochs(1.7e9), "created_on", "wrong_type", "1700000000.0", "epoch_s"),
]

SCHEMA_CASES = [
    *(
        Case(
            f"{bad.name} (no row may be rejected)",
            Inputs(json.dumps(bad.records).encode(), params=bad.params(max_rejected=0.0)),
            4,
            (
                "projects.json",
                "row 3",
                *([f"field {bad.field}"] if bad.field else []),
                bad.reason,
                "1 of 6 rows were rejected (16.7%)",
                f"found {bad.found}",
                "at most 0.0% (validate.max_rejected)",
                "Correct the rows, or raise validate.max_rejected",
            ),
        )
        for bad in BAD_ROWS
    ),
    bad_records(
        "no record has the tags field",
        [{"id": 1, "title": "x", "tag": "nlp"}, {"id": 2, "title": "y", "tag": "cv"}],
        3,
        "row 1",
        "field tags",
        "id, title, tag",
        "validate.fields.tags",
    ),
    bad_records("hostile field names", [{HOSTILE: 1}], 3, "field id", "red", "validate.fields.id"),
    bad_records(
        "every id a text", [{**each, "id": str(each["id"])} for each in RECORDS], 3, "row 1", "field id", '"101"'
    ),
    bad_records("every row a number", [1, 2, 3], 3, "all 3 rows were rejected", "row 1", "not_an_object"),
    bad_records("a single row, bad", with_third(id=None)[2:3], 3, "all 1 rows were rejected", "row 1", "field id"),
    bad_records(
        "more rows than the limit",
        [*RECORDS[:2], *({**each, "title": None} for each in RECORDS[2:5]), RECORDS[5]],
        4,
        "3 of 6 rows were rejected (50.0%)",
        "row 3",
        "row 4, id 104, field title: missing",
        "row 5",
        "at most 40.0%",
        params=edit("max_rejected: 0.0", "max_rejected: 0.4"),
    ),
    bad_records(
        "contradictory duplicates beyond the limit",
        [*RECORDS, {**RECORDS[2], "tags": ["nlp"]}, {**RECORDS[2], "title": "Drei"}],
        4,
        "3 of 8 rows were rejected",
        "row 3",
        "row 7, id 103, field id: contradictory_duplicate",
        "row 8",
    ),
    bad_records(
        "thirty bad rows are told by twenty and a count",
        [*RECORDS, *({**RECORDS[2], "id": HOSTILE + str(number)} for number in range(30))],
        4,
        "30 of 36 rows",
        "row 7",
        "and 10 more, 30 in all",
    ),
]

CYCLE_OF_TWO = {**VOCABULARY, "cv": {"parents": ["pytorch"]}, "pytorch": {"parents": ["cv"]}}
CYCLE_OF_FOUR = {
    **VOCABULARY,
    "cv": {"parents": ["torch"]},  # by an alias of pytorch
    "pytorch": {"parents": ["bert"], "aliases": ["torch"]},
    "nlp": {"parents": ["cv"]},
    "bert": {"parents": ["nlp"]},
}
VOCABULARY_CASES = [
    bad_vocabulary(
        "an alias of two tags", {**VOCABULARY, "cv": {"aliases": ["torch"]}}, 'alias "torch" is claimed by', '"pytorch"'
    ),
    bad_vocabulary(
        "an alias of two tags, spelt otherwise", {**VOCABULARY, "cv": {"aliases": ["ToRcH "]}}, "is claimed by", '"cv"'
    ),
    bad_vocabulary(
        "an alias that is a tag", {**VOCABULARY, "cv": {"aliases": ["nlp"]}}, 'alias "nlp" of "cv"', "canonical tag"
    ),
    bad_vocabulary("an alias that is its own tag", {**VOCABULARY, "cv": {"aliases": ["cv"]}}, 'alias "cv" of "cv"'),
    bad_vocabulary("a cycle of two", CYCLE_OF_TWO, '"cv" -> "pytorch" -> "cv"', "field parents", "Remove one of these"),
    bad_vocabulary("a cycle of four", CYCLE_OF_FOUR, '"bert" -> "nlp" -> "cv" -> "pytorch" -> "bert"', "Remove one"),
    bad_vocabulary(
        "its own parent", {**VOCABULARY, "cv": {"parents": ["cv"]}}, 'tag "cv" is its own parent', "Correct"
    ),
    bad_vocabulary(
        "its own parent, by an alias",
        {**VOCABULARY, "pytorch": {"aliases": ["torch"], "parents": ["torch"]}},
        '"pytorch"',
    ),
    bad_vocabulary(
        "several errors at once", {"a": {"parents": ["a"]}, "b": {"aliases": ["a"]}}, "2 errors", '"a"', '"b"'
    ),
    bad_vocabulary("duplicate tag in an object", '{"nlp": {}, "cv": {}, §"nlp": {}}', "duplicate key", '"nlp"'),
    bad_vocabulary("duplicate tag in a list", [{"tag": "nlp"}, {"tag": "cv"}, {"tag": "nlp"}], '"nlp" is given twice'),
    bad_vocabulary("the same tag up to case", {"nlp": {}, "NLP": {}}, '"nlp" is given twice', '"NLP"'),
    bad_vocabulary("the same tag up to spaces", {"a b": {}, "a_b": {}}, "is given twice", '"a_b"'),
    bad_vocabulary("no tags, object", {}, "the vocabulary is empty", "restore it from git"),
    bad_vocabulary("no tags, list", [], "the vocabulary is empty"),
    bad_vocabulary("no bytes", b"", "vocabulary.json", "at byte 0", "the end of the file"),
    bad_vocabulary("a number", "5", "not a vocabulary", "found 5", "an object {tag:"),
    bad_vocabulary("a hostile text", HOSTILE_JSON, "not a vocabulary", '"\\u001b[31mred'),
    bad_vocabulary("a list of texts", ["nlp"], "row 1", "not an entry of a vocabulary", 'found "nlp"'),
    bad_vocabulary("an entry that is a list", {"nlp": []}, 'field "nlp"', "found []", "an object with aliases"),
    bad_vocabulary("an entry that is null", {"nlp": None}, 'field "nlp"', "found null"),
    bad_vocabulary("an unknown field", {"nlp": {"synonyms": ["x"]}}, 'field "synonyms"', "tag, aliases, parents"),
    bad_vocabulary("`parent` for `parents`", {"nlp": {"parent": "x"}}, 'field "parent"', "tag, aliases, parents"),
    bad_vocabulary("a hostile unknown field", {"nlp": {HOSTILE: 1}}, 'field "\\u001b[31mred', "correct its name"),
    bad_vocabulary("aliases not a list", {"cv": {}, "nlp": {"aliases": "x"}}, "row 2", "field aliases", 'found "x"'),
    bad_vocabulary("aliases an object", {"nlp": {"aliases": {"x": 1}}}, "row 1", "field aliases", 'found {"x": 1}'),
    bad_vocabulary("aliases null", {"nlp": {"aliases": None}}, "row 1", "field aliases", "null; expected a list of"),
    bad_vocabulary("parents null", [{"tag": "nlp", "parents": None}], "field parents", "null; expected a list of"),
    bad_vocabulary("an alias not a text", {"nlp": {"aliases": ["x", 3]}}, "field aliases", 'found ["x", 3]'),
    bad_vocabulary("an alias blank", {"nlp": {"aliases": [" "]}}, "field aliases", 'found [" "]', "not blank"),
    bad_vocabulary(
        "an alias hostile and claimed twice", {"a": {"aliases": [HOSTILE]}, "b": {"aliases": [HOSTILE]}}, "red"
    ),
    bad_vocabulary("parents not a list", {"nlp": {"parents": 1}}, "field parents", "found 1"),
    bad_vocabulary("a tag blank", {" ": {}}, "row 1", "field tag", "not blank"),
    bad_vocabulary("a tag missing", [{"tag": "cv"}, {"aliases": ["x"]}], "row 2", "tag", "null; expected a text that"),
    bad_vocabulary("a tag not a text", [{"tag": 5}], "row 1", "field tag", "found 5"),
    bad_vocabulary("a tag that is a list", [{"tag": ["cv"]}], "row 1", "field tag", 'found ["cv"]'),
    bad_vocabulary("a tag with a lone surrogate", '{"nlp": {}, "\\ud800": {}}', "row 2", "field tag", "\\ud800"),
    bad_vocabulary("an alias with a lone surrogate", {"nlp": {"aliases": ["\udc00"]}}, "field aliases", "\\udc00"),
    bad_vocabulary("cut off", '{"nlp": {"aliases": [§', NOTHING_BUILT),
    bad_vocabulary("cut off in a long text", '{"nlp": {"aliases": [§"' + "x" * 2000, NOTHING_BUILT),
    bad_vocabulary("NaN in it", '{"nlp": §NaN}', "NaN"),
    bad_vocabulary("Latin-1", b'{"caf\xc2\xa7\xe9": {}}', "not UTF-8", "Save the file as UTF-8"),
    bad_vocabulary("a depth bomb", '{"a":' * 64 + "§" + '{"a":' * 100_000, "nested deeper than 64"),
    bad_vocabulary("lines, one broken", '{"tag": "nlp"}\n{"tag": cv}\n', "line 2", "not JSON", suffix=".ndjson"),
    bad_vocabulary(
        "CSV without `tag`", "name,aliases\nnlp,x\n", 'field "name"', "tag, aliases, parents", suffix=".csv"
    ),
    bad_vocabulary("CSV with a name of 200 kB", "t" * 200_000 + ",aliases\nnlp,x\n", "first line", suffix=".csv"),
    bad_vocabulary("CSV with a long row", "tag,aliases\nnlp,x\ncv,y,z\n", "row 2", '"cv,y,z"', suffix=".csv"),
    bad_vocabulary("CSV with a blank tag", "tag,aliases\nnlp,x\n ,y\n", "row 2", "field tag", suffix=".csv"),
]

PARAMS_CASES = [
    bad_params("unknown key", "min_projects: 1", "min_project: 1", "threshold.min_project", "docs/parameters.md"),
    bad_params("unknown section", "schema: 1", "schema: 1\nextra: {}", "extra", "docs/parameters.md"),
    bad_params("hostile unknown key", "schema: 1", f"schema: 1\n? {HOSTILE_JSON}\n: 1", "docs/parameters.md"),
    bad_params("missing key", "  parents: keep\n", "", "annotate.parents", "Field required"),
    bad_params("missing section", "threshold:\n  min_projects: 1\n  unlabeled: drop\n", "", "threshold", "required"),
    bad_params("a text for an integer", "min_projects: 1", 'min_projects: "1"', "threshold.min_projects", 'found "1"'),
    bad_params("a hostile text for an integer", "min_projects: 1", f"min_projects: {HOSTILE_JSON}", "red"),
    bad_params(
        "a bool for an integer", "min_projects: 1", "min_projects: true", "threshold.min_projects", "found true"
    ),
    bad_params(
        "a fraction for an integer", "min_projects: 1", "min_projects: 1.5", "threshold.min_projects", "found 1.5"
    ),
    bad_params("null for an integer", "min_projects: 1", "min_projects:", "threshold.min_projects", "found null"),
    bad_params(
        "min_projects 0", "min_projects: 1", "min_projects: 0", "threshold.min_projects", "found 0", "equal to 1"
    ),
    bad_params("min_projects negative", "min_projects: 1", "min_projects: -3", "threshold.min_projects", "found -3"),
    bad_params("5000 digits for an integer", "min_projects: 1", "min_projects: " + "9" * 5000, "params.yaml"),
    bad_params("a date", "min_projects: 1", "min_projects: 2024-01-01", "threshold.min_projects"),
    bad_params("an integer for a bool", "normalize: true", "normalize: 1", "annotate.normalize", "found 1"),
    bad_params("YAML 1.1's yes", "normalize: true", "normalize: yes", "annotate.normalize", 'found "yes"'),
    bad_params("unknown parents mode", "parents: keep", "parents: rollup", "annotate.parents", "roll_up", '"rollup"'),
    bad_params("a text for a list", "exclude: []", "exclude: python", "annotate.exclude", 'found "python"'),
    bad_params("schema of a newer tagpipe", "schema: 1", "schema: 4", "field schema", "found 4", "Upgrade tagpipe"),
    bad_params("schema of an older tagpipe", "schema: 1", "schema: 0", "field schema", "found 0", "tagpipe init"),
    bad_params("schema a text", "schema: 1", 'schema: "1"', "schema", 'found "1"'),
    bad_params("schema of 4000 digits", "schema: 1", "schema: " + "9" * 4000, "field schema", "Upgrade tagpipe"),
    bad_params("text of no field", "text: [title, description]", "text: [title, readme]", "annotate.text", "readme"),
    bad_params("text empty", "text: [title, description]", "text: []", "annotate.text"),
    bad_params("text twice", "text: [title, description]", "text: [title, title]", "annotate.text", "twice"),
    bad_params("max_rejected 2", "max_rejected: 0.0", "max_rejected: 2", "validate.max_rejected", "found 2"),
    bad_params("max_rejected not a number", "max_rejected: 0.0", "max_rejected: .nan", "validate.max_rejected"),
    bad_params("two fields from one", "description: description", "description: title", "validate", "one field"),
    bad_params("id not mapped", "{id: id, title", "{title", "validate", "`fields` and `required` must both name id"),
    bad_params("an unknown id type", "id: integer", "id: uuid", "validate.id", 'found "uuid"'),
    bad_params(
        "url without sha256", "{path: projects.json}", "{url: http://x.org/a.json}", "source.projects", "refresh"
    ),
    bad_params("neither path nor url", "{path: projects.json}", "{}", "source.projects", "`path` or `url`"),
    bad_params(
        "a url that is a file's", "{path: projects.json}", f"{{url: 'file:///a.json', sha256: {'a' * 64}}}", "http://"
    ),
    bad_params("a sha256 too short", "{path: projects.json}", "{url: http://x.org/a.json, sha256: ab}", "sha256"),
    bad_params("a path out of the folder", "path: projects.json", "path: ../projects.json", "source.projects.path"),
    bad_params("an absolute path", "path: projects.json", "path: /etc/projects.json", "source.projects.path"),
    bad_params("a path of an unknown kind", "path: projects.json", "path: projects.xlsx", "source.projects", ".ndjson"),
    bad_params("a timeout of 0", "timeout_s: 5.0", "timeout_s: 0", "source.download.timeout_s", "found 0"),
    bad_params(
        "several at once", "min_projects: 1\n  unlabeled: drop", "min_projects: 0", "2 wrong values", "unlabeled"
    ),
    bad_yaml("not YAML", b"schema: [1\nsource: }", "not YAML", "line 2"),
    bad_yaml("a tab", PARAMS.replace("  min_projects", "\tmin_projects").encode(), "not YAML", "line 20"),
    bad_yaml("a key twice", PARAMS.encode() + b"  unlabeled: keep\n", "not YAML", "unlabeled", "line 22"),
    bad_yaml("a hostile key twice", f"? {HOSTILE_JSON}\n: 1\n? {HOSTILE_JSON}\n: 2\n".encode(), "not YAML"),
    bad_yaml("two documents", PARAMS.encode() + b"---\nschema: 1\n", "not YAML"),
    bad_yaml("a Python object", b"!!python/object/apply:os.getcwd []", "not YAML"),
    bad_yaml("an anchor within itself", PARAMS.encode() + b"more: &more [*more]\n", "params.yaml"),
    bad_yaml("a list as a key", PARAMS.encode() + b"? [a, b]\n: 1\n", "params.yaml"),
    bad_yaml("nested 800 deep", b"schema: " + b"[" * 800 + b"]" * 800, "params.yaml"),
    bad_yaml("empty", b"", "is not a mapping of sections", "schema, source"),
    bad_yaml("comments only", b"# nothing\n", "is not a mapping of sections"),
    bad_yaml("a list", b"- schema: 1\n", "is not a mapping of sections"),
    bad_yaml("a control character", b"schema: 1 \x1b[31m\n", "not YAML"),
    bad_yaml("Latin-1", "schema: 1 # é\n".encode("latin-1"), "not YAML", "utf-8"),
    bad_yaml("UTF-16", PARAMS.encode("utf-16"), "not YAML", "utf-8"),
]

FILE_CASES = [
    Case("projects absent", Inputs(projects=Special.ABSENT), 3, ("projects.json", "cannot be read", "is there")),
    Case("vocabulary absent", Inputs(vocabulary=Special.ABSENT), 3, ("vocabulary.json", "cannot be read", "is there")),
    Case("params absent", Inputs(params=Special.ABSENT), 2, ("params.yaml", "is not there", "tagpipe init")),
    Case("projects a folder", Inputs(projects=Special.FOLDER), 3, ("projects.json", "cannot be read", "directory")),
    Case(
        "vocabulary a folder", Inputs(vocabulary=Special.FOLDER), 3, ("vocabulary.json", "cannot be read", "directory")
    ),
    Case("params a folder", Inputs(params=Special.FOLDER), 2, ("params.yaml",)),
    Case(
        "projects .xlsx", Inputs(projects_name="projects.xlsx"), 3, ("projects.xlsx", "file ending", ".json, .ndjson")
    ),
    Case("vocabulary .yaml", Inputs(vocabulary_name="vocabulary.yaml"), 3, ("vocabulary.yaml", "ending", "Rename it")),
    Case("projects with no ending", Inputs(projects_name="projects"), 3, ("projects", "file ending", "Rename it")),
]

CASES = [
    *JSON_CASES,
    *ENCODING_CASES,
    *LINES_CASES,
    *CSV_CASES,
    *SCHEMA_CASES,
    *VOCABULARY_CASES,
    *PARAMS_CASES,
    *FILE_CASES,
]
IN_A_PROCESS_OF_ITS_OWN = (
    "JSON: depth bomb of lists",
    "id a hostile text (no row may be rejected)",
    "vocabulary: a cycle of four",
)


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
    assert len(names) >= 65


@pytest.fixture(scope="module")
def good_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tagpipe build` makes of the good input; to be copied, never written to."""
    import tagpipe as package

    folder = tmp_path_factory.mktemp("good")
    Inputs().write(folder)
    package.build(
        folder / "projects.json", folder / "vocabulary.json", params=folder / "params.yaml", out=folder / "out"
    )
    return folder / "out"


Snapshot = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_refused(case: Case, good_outputs: Path, tmp_path: Path, tagpipe: Any, snapshot: Snapshot) -> None:
    """Exit code, message, and the outputs of the last good build."""
    out = tmp_path / "out"
    shutil.copytree(good_outputs, out)
    before = snapshot(out)
    ended = tagpipe("build", *case.inputs.write(tmp_path), "--out", out)
    assert ended.exit_code == case.exit_code, ended.stderr
    assert_one_plain_message(ended.stderr, case.fragments)
    assert ended.error.found is None or len(ended.error.found) <= 80
    assert ended.stdout == ""
    assert snapshot(out) == before


@pytest.mark.parametrize("name", IN_A_PROCESS_OF_ITS_OWN)
def test_bad_input_is_refused_by_the_real_process(
    name: str, good_outputs: Path, tmp_path: Path, snapshot: Snapshot
) -> None:
    """The same from outside: nothing that pytest has loaded or set plays a part."""
    case = next(case for case in CASES if case.name == name)
    out = tmp_path / "out"
    shutil.copytree(good_outputs, out)
    before = snapshot(out)
    command = [sys.executable, "-m", "tagpipe", "build", *case.inputs.write(tmp_path), "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.returncode == case.exit_code, ended.stderr
    assert_one_plain_message(ended.stderr.decode(), case.fragments)
    assert ended.stdout == b""
    assert snapshot(out) == before


def assert_one_plain_message(stderr: str, fragments: tuple[str, ...]) -> None:
    """One error with its details, in printable ASCII, no line without bounds, nothing of Python's."""
    lines = stderr.removesuffix("\n").split("\n")
    assert stderr.startswith("error: ")
    assert "Traceback" not in stderr
    assert " at at " not in stderr
    assert all(line.startswith("  ") for line in lines[1:]), stderr[:2000]
    assert all(re.fullmatch(r"[ -~]*", line) for line in lines), stderr[:2000]
    assert max(map(len, lines)) <= 900, stderr[:2000]
    for fragment in fragments:
        assert fragment in stderr, f"{fragment!r} not in {stderr[:2000]!r}"


def test_first_build_that_fails_writes_nothing(tmp_path: Path, tagpipe: Any) -> None:
    """No outputs yet: none appear, not even the raw bytes."""
    inputs = Inputs(json.dumps(with_third(id=None)).encode())
    assert tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out").exit_code == 4
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["out", "out/below"])
def test_out_that_is_a_file_is_refused(place: str, tmp_path: Path, tagpipe: Any) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    ended = tagpipe("build", *Inputs().write(tmp_path), "--out", tmp_path / place)
    assert ended.exit_code == 2
    assert_one_plain_message(ended.stderr, ("out",))
    assert (tmp_path / "out").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["build"], "--projects"),
        (["build", "--projects", "p.json"], "--vocabulary"),
        (["build", "--projects", "p.json", "--vocabulary", "v.json"], "--out"),
        (["build", "--projectz", "p.json"], "--projectz"),
        (["bild"], "bild"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], fragment: str, tagpipe: Any) -> None:
    ended = tagpipe(*arguments)
    assert ended.exit_code == 2
    assert fragment in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda bad: bad.name)
def test_bad_row_goes_whole_to_rejected(bad: BadRow, tmp_path: Path, tagpipe: Any) -> None:
    """Within the limit: row number, id, field, reason and the record as received; every other row is kept."""
    inputs = Inputs(json.dumps(bad.records).encode(), params=bad.params(max_rejected=0.5))
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    (rejected,) = read_rejected(tmp_path)
    record = bad.records[2]
    assert rejected["row"] == 3
    assert rejected["id"] == (record.get("id") if isinstance(record, dict) else None)
    assert (rejected["field"], rejected["reason"]) == (bad.field, bad.reason)
    assert rejected["record"] == record
    assert bad.found in rejected["found"]
    assert len(rejected["found"]) <= 80
    assert read_counts(tmp_path) == {"n_in": 6, "n_rejected": 1, "n_duplicates": 0, "n_labeled": 5, "n_unlabeled": 0}


@pytest.mark.parametrize("at", range(len(RECORDS)))
@pytest.mark.parametrize("field", ["id", "title", "tags"])
def test_bad_row_may_stand_anywhere(field: str, at: int, tmp_path: Path, tagpipe: Any) -> None:
    """The order of the input never matters: a first row that lacks a field is a bad row as any other."""
    lacking = {name: value for name, value in RECORDS[2].items() if name != field}
    others = [*RECORDS[:2], *RECORDS[3:]]
    inputs = Inputs(
        json.dumps([*others[:at], lacking, *others[at:]]).encode(),
        params=edit("max_rejected: 0.0", "max_rejected: 0.5"),
    )
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    (rejected,) = read_rejected(tmp_path)
    assert (rejected["row"], rejected["field"], rejected["reason"]) == (at + 1, field, "missing")


def test_every_row_is_accounted_for(tmp_path: Path, tagpipe: Any) -> None:
    """n_in = n_rejected + n_duplicates + n_labeled + n_unlabeled, with all of them there."""
    records = [
        *RECORDS,
        RECORDS[0],
        dict(reversed(RECORDS[1].items())),  # the same in another order of fields
        {"id": 200, "title": "Said twice", "tags": ["nlp"]},
        {"id": 200, "title": "Said otherwise", "tags": ["nlp"]},
        {"id": 201, "title": "No tags", "tags": []},
        {"id": 202, "title": "Unknown tags", "tags": ["unheard-of"], "unmapped": {"deep": [1.5, None]}},
        {"id": 203, "title": None, "tags": [], "created_on": "soon", "unmapped": {"deep": [1.5, None]}},
    ]
    inputs = Inputs(json.dumps(records).encode(), params=edit("max_rejected: 0.0", "max_rejected: 0.3"))
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    assert [(each["row"], each["id"], each["reason"]) for each in read_rejected(tmp_path)] == [
        (9, 200, "contradictory_duplicate"),
        (10, 200, "contradictory_duplicate"),
        (13, 203, "bad_timestamp"),
    ]
    assert read_rejected(tmp_path)[2]["also"] == [["title", "missing"]]
    assert [each["record"] for each in read_rejected(tmp_path)] == [records[8], records[9], records[12]]
    assert read_counts(tmp_path) == {"n_in": 13, "n_rejected": 3, "n_duplicates": 2, "n_labeled": 6, "n_unlabeled": 2}


def test_bad_rows_of_lines_are_rejected_by_their_row(tmp_path: Path, tagpipe: Any) -> None:
    """Rows are counted by records, blank lines not."""
    lines = [json.dumps(record) for record in with_third(tags=None)]
    lines.insert(1, "")
    inputs = Inputs(
        "\r\n".join(lines).encode(),
        params=edit("max_rejected: 0.0", "max_rejected: 0.5"),
        projects_name="projects.jsonl",
    )
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    (rejected,) = read_rejected(tmp_path)
    assert (rejected["row"], rejected["id"], rejected["field"]) == (3, 103, "tags")


def test_bad_rows_of_csv_are_rejected_by_their_row(tmp_path: Path, tagpipe: Any) -> None:
    """Rows are counted by records: neither a blank line nor a line break in a field is a row.

    An empty cell of tags is a project without tags.
    """
    text = (
        HEADER + '1,"One\nand a half",d,nlp|cv,2024-01-01\n\n2,Two,d\n3,,d,cv,2024-01-01\nx,Four,d,cv,\n5,Five,d,cv,\n'
    )
    text += "5,Five,d,cv,\n6,Six,d,bert,31.12.2024\n7,Seven,,,\n"
    params = edit("max_rejected: 0.0", "max_rejected: 0.7").replace(b"tags_separator: null", b'tags_separator: "|"')
    inputs = Inputs(text.encode(), params=params, projects_name="projects.csv")
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    assert [(each["row"], each["id"], each["field"], each["reason"]) for each in read_rejected(tmp_path)] == [
        (2, None, None, "wrong_field_count"),
        (3, "3", "title", "missing"),
        (4, "x", "id", "wrong_type"),
        (7, "6", "created_on", "bad_timestamp"),
    ]
    assert read_rejected(tmp_path)[0]["record"] == "2,Two,d"
    assert read_counts(tmp_path) == {"n_in": 8, "n_rejected": 4, "n_duplicates": 1, "n_labeled": 2, "n_unlabeled": 1}


def test_unmapped_fields_may_hold_any_json(tmp_path: Path, tagpipe: Any) -> None:
    """A field that nobody asked for is no reason to reject a row, and comes back whole with a rejected one."""
    odd = '"odd": ["\\ud800", 1e300, -0, {"deep": null}]'
    rows = ['{"id": 1, "title": "x", "tags": ["nlp"], ' + odd + "}", '{"id": 2, "title": "", "tags": [], ' + odd + "}"]
    inputs = Inputs(f"[{','.join(rows)}]".encode(), params=edit("max_rejected: 0.0", "max_rejected: 0.5"))
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    assert [each["id"] for each in read_rejected(tmp_path)] == [2]
    assert read_counts(tmp_path)["n_labeled"] == 1


@pytest.mark.parametrize("suffix", [".json", ".ndjson"])
def test_unmapped_fields_cost_no_more_than_their_bytes(suffix: str, tmp_path: Path, tagpipe: Any) -> None:
    """8 MB whose records all hold a field that nobody asked for: not many times as slow as without it."""

    def measure(n_records: int, name: str, **unmapped: int) -> float:
        record = {**RECORDS[0], "description": "ä" * 120, **unmapped}
        lines = [json.dumps({**record, "id": number}, ensure_ascii=False) for number in range(n_records)]
        text = "\n".join(lines) if suffix == ".ndjson" else f"[{','.join(lines)}]"
        inputs = replace(Inputs(), projects=text.encode(), projects_name="projects" + suffix)
        (tmp_path / name).mkdir()
        began = time.process_time()
        ended = tagpipe("build", *inputs.write(tmp_path / name), "--out", tmp_path / name / "out")
        took_s = time.process_time() - began
        assert ended.exit_code == 0, ended.stderr
        assert read_counts(tmp_path / name)["n_labeled"] == n_records
        return took_s

    without_s = min(measure(6_000, name) for name in ("without", "again"))
    assert measure(24_000, "with", stars=5) < 10 * 4 * without_s


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".json", b'[{"tag": "nlp", "aliases": ["natural-language"]}, {"tag": "cv"}]'),
        (".ndjson", b'{"tag": "nlp", "aliases": ["natural-language"]}\n{"tag": "cv"}\n'),
        (".jsonl", b'{"tag": "nlp", "aliases": ["natural-language"]}\r\n\r\n{"tag": "cv"}'),
        (".csv", b"tag,aliases,parents\nnlp,natural-language,\ncv,,\n"),
    ],
)
def test_every_form_of_a_good_vocabulary_builds(suffix: str, data: bytes, tmp_path: Path, tagpipe: Any) -> None:
    """What the refusals above are measured against."""
    inputs = replace(Inputs(), vocabulary=data, vocabulary_name="vocabulary" + suffix)
    ended = tagpipe("build", *inputs.write(tmp_path), "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.stderr
    assert json.loads((tmp_path / "out/reports/threshold.json").read_text())["tags"]["kept"] == [["cv", 2], ["nlp", 2]]


def read_rejected(folder: Path) -> list[dict[str, Any]]:
    """The refused rows of a build into `folder`/out; each line is JSON as the standard has it."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    lines = (folder / "out/validated/rejected.jsonl").read_text(encoding="ascii").splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def read_counts(folder: Path) -> Mapping[str, int]:
    """The counts of threshold.json, which add up and agree with validation.json."""
    reports = folder / "out/reports"
    counts = json.loads((reports / "threshold.json").read_text(encoding="utf-8"))["projects"]
    counts["n_unlabeled"] = sum(counts["n_unlabeled"].values())
    assert counts["n_in"] == sum(counts[name] for name in ("n_rejected", "n_duplicates", "n_labeled", "n_unlabeled"))
    seen = json.loads((reports / "validation.json").read_text(encoding="utf-8"))["projects"]
    assert {name: seen[name] for name in ("n_in", "n_rejected", "n_duplicates")} == {
        name: counts[name] for name in ("n_in", "n_rejected", "n_duplicates")
    }
    assert sum(seen["rejected_by_reason"].values()) == counts["n_rejected"] == len(read_rejected(folder))
    return counts

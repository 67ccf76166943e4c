"""Edited entries in the text of their file: what stays to the byte, and how new things are written."""

from __future__ import annotations

import time

import pytest

from tagpipe.curation.edits import add_alias, add_tag, deprecate_tag, merge_tags, rename_tag, set_parent
from tagpipe.curation.rewriting.vocabulary import write_entries
from tagpipe.errors import EditRefused, InputError
from tagpipe.vocabulary.entries import Entry, read_entries


def edit(old: str, suffix: str, change: object) -> str:
    """The file after an edit of its entries."""
    entries = read_entries(old.encode(), suffix, file="v")
    return write_entries(old.encode(), suffix, change(entries), file="v").decode()  # type: ignore[operator]


ONE_LINE = """{
  "a": {"aliases": ["x",  "y"], "parents": []},

  "b": {"aliases": [], "parents":["a"]},
  "d": { "parents": [] }
}
"""


def test_an_entry_a_line() -> None:
    assert edit(ONE_LINE, ".json", lambda each: add_tag(each, "c", parents=["a"])) == ONE_LINE.replace(
        '  "d":', '  "c": {"aliases": [], "parents": ["a"]},\n  "d":'
    )
    assert edit(ONE_LINE, ".json", lambda each: add_tag(each, "e")) == ONE_LINE.replace(
        '"d": { "parents": [] }', '"d": { "parents": [] },\n  "e": {"aliases": [], "parents": []}'
    )


def test_a_changed_list_keeps_the_names_that_stay() -> None:
    assert edit(ONE_LINE, ".json", lambda each: add_alias(each, "z", "a")) == ONE_LINE.replace('"y"', '"y",  "z"')
    assert edit(ONE_LINE, ".json", lambda each: add_alias(each, "z", "b")) == ONE_LINE.replace(
        '"b": {"aliases": []', '"b": {"aliases": ["z"]'
    )
    assert edit(ONE_LINE, ".json", lambda each: add_alias(each, "z", "d")) == ONE_LINE.replace(
        '{ "parents": [] }', '{ "parents": [], "aliases": ["z"] }'
    )
    assert edit(ONE_LINE, ".json", lambda each: set_parent(each, "b", "a", remove=True)) == ONE_LINE.replace(
        '"parents":["a"]', '"parents":[]'
    )


def test_a_blank_line_between_groups_stays_when_its_first_entry_goes() -> None:
    assert edit(ONE_LINE, ".json", lambda each: merge_tags(each, "b", "d")) == (
        '{\n  "a": {"aliases": ["x",  "y"], "parents": []},\n\n  "d": { "parents": [], "aliases": ["b"] }\n}\n'
    )
    assert edit(ONE_LINE, ".json", lambda each: add_tag(each, "aa")) == ONE_LINE.replace(
        "},\n\n", '},\n  "aa": {"aliases": [], "parents": []},\n\n'
    )


def test_a_renamed_entry_keeps_its_fields() -> None:
    assert edit(ONE_LINE, ".json", lambda each: rename_tag(each, "a", "aa")) == ONE_LINE.replace(
        '"a": {"aliases": ["x",  "y"]', '"aa": {"aliases": ["x",  "y",  "a"]'
    ).replace('["a"]', '["aa"]')


def test_deprecation_stands_at_the_end_of_its_entry() -> None:
    assert edit(ONE_LINE, ".json", lambda each: deprecate_tag(each, "d", replaced_by="a")) == ONE_LINE.replace(
        '{ "parents": [] }', '{ "parents": [], "deprecated": true, "replaced_by": "a" }'
    )


MANY_LINES = """[
    {
        "tag": "a",
        "aliases": [
            "x"
        ],
        "parents": []
    }
]"""


def test_a_field_a_line() -> None:
    assert edit(MANY_LINES, ".json", lambda each: add_tag(each, "b", aliases=["u", "v"])) == MANY_LINES.replace(
        "\n]",
        """,
    {
        "tag": "b",
        "aliases": [
            "u",
            "v"
        ],
        "parents": []
    }
]""",
    )
    assert edit(MANY_LINES, ".json", lambda each: add_alias(each, "y", "a")) == MANY_LINES.replace(
        '"x"', '"x",\n            "y"'
    )


def test_lists_that_no_entry_has_yet_are_one_level_deeper() -> None:
    old = '{\r\n\t"a": {\r\n\t\t"aliases": [],\r\n\t\t"parents": []\r\n\t}\r\n}'
    assert edit(old, ".json", lambda each: add_alias(each, "x", "a")) == old.replace(
        '"aliases": []', '"aliases": [\r\n\t\t\t"x"\r\n\t\t]'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"a":{}}', '{"a":{},"b":{"aliases":["é"]}}'),
        ('{"a": {"parents": []}, "c": {"parents": []}}', '"b": {"parents": [], "aliases": ["é"]}'),
        ('[{"parents": [], "tag": "a"}]', '{"parents": [], "tag": "b", "aliases": ["é"]}'),
        ('{"a": {"aliases": ["\\u00fc"]}}', '"b": {"aliases": ["\\u00e9"]}'),
        ('{"a": {"aliases": ["\\u00FC"]}}', '"b": {"aliases": ["\\u00E9"]}'),
        ('{"a": {"aliases": ["\\u00fc", "ö"]}}', '"b": {"aliases": ["é"]}'),
        ('{"a" : {"aliases" : ["x" , "y"]}}', '"b" : {"aliases" : ["é"]}'),
    ],
)
def test_new_entries_are_written_as_the_file_is(old: str, new: str) -> None:
    assert new in edit(old, ".json", lambda each: add_tag(each, "b", aliases=["é"]))


def test_escapes_of_names_that_stay_are_kept() -> None:
    old = '{"\\u0061": {"aliases": ["\\/", "x\\u0079"]}}'
    assert edit(old, ".json", lambda each: add_alias(each, "u/v", "a")) == old.replace('9"]', '9", "u\\/v"]')


def test_a_backslash_in_a_name_is_no_escape() -> None:
    old = '{"a": {"aliases": ["\\u00FC"]}}'
    assert edit(old, ".json", lambda each: add_alias(each, "\\u00fc", "a")) == old.replace('C"]', 'C", "\\\\u00fc"]')


def test_a_tag_that_is_one_again_loses_the_fields() -> None:
    old = '[{"tag": "a"}, {"tag": "b", "deprecated": true, "parents": [], "replaced_by": "a"}]'
    new = write_entries(old.encode(), ".json", (Entry("a"), Entry("b")), file="v")
    assert new.decode() == '[{"tag": "a"}, {"tag": "b", "parents": []}]'


def test_lines() -> None:
    old = '\n{"tag":"a","aliases":[]}\r\n\r\n{"tag":"c"}'
    new = edit(old, ".ndjson", lambda each: add_tag(each, "d", aliases=["x"]))
    assert new == old + '\r\n\r\n{"tag":"d","aliases":["x"]}'
    assert edit('{"tag":"a"}', ".jsonl", lambda each: add_tag(each, "b")) == '{"tag":"a"}\n{"tag":"b"}'


# CSV


def test_rows() -> None:
    old = '\ufeffaliases,tag\r\n"x|y",a\r\n\r\n,"c"\r\n,cc\r\n'
    assert edit(old, ".csv", lambda each: add_alias(each, "z", "a")) == old.replace("x|y", "x|y|z")
    assert edit(old, ".csv", lambda each: add_tag(each, 'd"', aliases=["u"])) == old + 'u,"d"""\r\n'
    assert edit(old, ".csv", lambda each: add_tag(each, "b")) == old.replace("a\r\n", "a\r\n,b\r\n")


def test_a_column_that_is_needed_stands_behind_every_row() -> None:
    old = "tag,aliases\na,x\nb,\n"
    assert edit(old, ".csv", lambda each: deprecate_tag(each, "b", replaced_by="a")) == (
        "tag,aliases,deprecated,replaced_by\na,x,,\nb,,true,a\n"
    )
    assert edit('"tag"\n"a"\n"b"', ".csv", lambda each: set_parent(each, "b", "a")) == (
        '"tag","parents"\n"a",""\n"b","a"'
    )


def test_a_name_with_the_separator_is_refused_in_csv() -> None:
    with pytest.raises(EditRefused, match=r"parts names by \|") as caught:
        edit("tag,aliases\na,x\n", ".csv", lambda each: add_alias(each, "u|v", "a"))
    assert (caught.value.file, caught.value.field, caught.value.found) == ("v", 'aliases of "a"', '"u|v"')
    assert edit("tag\na\n", ".csv", lambda each: add_tag(each, "u|v")) == "tag\na\nu|v\n"


def test_csv_that_is_quoted_in_no_known_way_is_refused() -> None:
    old = 'tag,aliases\n"a"b",x"\nc,\n'
    entries = read_entries(old.encode(), ".csv", file="v")
    with pytest.raises(EditRefused, match="cannot keep"):
        write_entries(old.encode(), ".csv", (*entries, Entry("z")), file="v")


# Everything


def test_no_change_is_no_change() -> None:
    for old, suffix in ((ONE_LINE, ".json"), (MANY_LINES, ".json"), ("tag\r\na", ".csv")):
        assert edit(old, suffix, lambda each: each) == old


def test_a_file_that_cannot_be_read_is_an_input_error() -> None:
    with pytest.raises(InputError, match="line 2"):
        write_entries(b'{"tag": "a"}\n{"tag": }', ".ndjson", (), file="v")


def test_a_file_without_entries_takes_the_first() -> None:
    for old, suffix in (("{}", ".json"), ("[]\n", ".json"), ("", ".ndjson"), ("tag\n", ".csv"), ("tag\r\n", ".csv")):
        written = write_entries(old.encode(), suffix, (Entry("a"), Entry("b", ("x",))), file="v")
        assert read_entries(written, suffix, file="v") == (Entry("a"), Entry("b", ("x",)))


def test_ten_times_the_entries_take_about_ten_times_as_long() -> None:
    def measure(n_entries: int) -> float:
        old = "{" + ",\n".join(f'"t{at:05}": {{"aliases": ["a{at}"]}}' for at in range(n_entries)) + "}"
        entries = read_entries(old.encode(), ".json", file="v")
        start = time.process_time()
        write_entries(old.encode(), ".json", (*entries, Entry("z")), file="v")
        return time.process_time() - start

    # Quadratic, it took a hundred times as long: 88 s for 10,000 entries.
    assert measure(3000) < 35 * min(measure(300) for _ in range(3))

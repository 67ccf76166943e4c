"""Random edits of random vocabulary files: no invalid vocabulary, one form, all of it undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.paths import DATASETS, REPO
from support.vocabulary_texts import CS, NAMES, SEPARATORS, Document, documents, entry_lists, raw_entries

from tagpipe.curation.canonical_form import rewrite_list, rewrite_vocabulary
from tagpipe.curation.edits import (
    add_alias,
    add_tag,
    deprecate_tag,
    merge_tags,
    rename_tag,
    replace_entries,
    replace_parent,
    set_parent,
    split_tag,
)
from tagpipe.curation.exchange import FORMS, export_vocabulary, import_vocabulary
from tagpipe.curation.log import (
    LogLine,
    dump_line,
    find_undoable,
    invert_patch,
    make_patch,
    parse_log,
    revert_patch,
)
from tagpipe.errors import EditRefused
from tagpipe.vocabulary.curation_lists import ListName
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import normalize_tag, resolve_names

REAL = [
    REPO / "data" / "source" / "vocabulary.json",
    *(DATASETS / name / "tags.json" for name in ("madewithml-2020-12", "madewithml-2022-04")),
]

SIGNS = [(Entry("c", (name,)), Entry("q", (), ("c", "nowhere"))) for name in ("c++", "c#", "C++")]
"""What somebody may have made one that is not."""

modest = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
Edit = Callable[[tuple[Entry, ...]], tuple[Entry, ...]]


@st.composite
def edits(draw: Any, entries: tuple[Entry, ...]) -> tuple[list[str], Edit]:
    """(what it is, an edit): mostly of names that are there, so that many go through."""
    tags = [entry.tag for entry in entries]
    aliases = [alias for entry in entries for alias in entry.aliases]
    tag = st.sampled_from(tags) | st.sampled_from(tags) | st.sampled_from([*tags, *aliases, *NAMES])
    new = st.sampled_from(NAMES) | st.text(min_size=1, max_size=4)
    parent = st.sampled_from([*tags, "nowhere"])
    kinds = ["add", "alias", "rename", "merge", "split", "parent", "deprecate"]
    kind = draw(st.sampled_from([*kinds, *kinds, "import"]))  # what is imported is small
    if kind == "import":
        received = draw(entry_lists() | st.sampled_from(SIGNS))
        return [kind, "v"], lambda each: replace_entries(each, received)
    if kind == "add":
        name, up, also = draw(new), draw(st.lists(parent, max_size=2)), draw(st.lists(new, max_size=2))
        return [kind, name, *up, *also], lambda each: add_tag(each, name, parents=up, aliases=also)
    if kind == "split":
        owners = [entry for entry in entries if entry.aliases]
        if owners:
            owner = draw(st.sampled_from(owners))
            off = draw(st.lists(st.sampled_from(owner.aliases), min_size=1, unique=True))
            into = draw(st.sampled_from(off) | new)
            return [kind, owner.tag, *off, into], lambda each: split_tag(each, owner.tag, off=off, into=into)
    if kind == "parent":
        children = [entry for entry in entries if entry.parents]
        remove = bool(children) and draw(st.booleans())
        child = draw(st.sampled_from(children if remove else entries))
        up = draw(st.sampled_from(child.parents) if remove else parent)
        if remove and draw(st.booleans()):
            instead = draw(parent)
            words = [kind, child.tag, instead, f"--instead-of={up}"]
            return words, lambda each: replace_parent(each, child.tag, old=up, new=instead)
        return [kind, child.tag, up], lambda each: set_parent(each, child.tag, up, remove=remove)
    if kind == "deprecate":
        name, by = draw(tag), draw(st.none() | tag)
        return [kind, name, str(by)], lambda each: deprecate_tag(each, name, replaced_by=by)
    first = draw(tag)
    second = draw(st.sampled_from([each for each in tags if each != first] or tags) if kind == "merge" else new)
    if kind == "alias":
        return [kind, second, first], lambda each: add_alias(each, second, first)
    change = rename_tag if kind == "rename" else merge_tags
    return [kind, first, second], lambda each: change(each, first, second)


def run_sequence(document: Document, data: st.DataObject, *, n_most: int = 6) -> int:
    """A random sequence of edits of one file, each checked, then all of them taken back. How many went through."""
    entries, current, log = document.entries, document.data, b""
    assert read_entries(current, document.suffix, file="v") == entries
    check_signs(entries)
    states = [current]
    for _ in range(data.draw(st.integers(1, n_most))):
        arguments, change = data.draw(edits(entries))
        try:
            after = change(entries)
            written = rewrite_vocabulary(current, document.suffix, after, file="v")
        except EditRefused:
            continue
        if after == entries:
            assert arguments[0] in ("import", "parent")  # the same entries, a parent in place of itself
            continue
        check_step(current, written, entries, after, document.suffix)
        check_signs(after)
        if arguments[0] != "import":
            assert find_dangling(after) <= find_dangling(entries), arguments
        if arguments[0] in ("rename", "merge", "split"):  # where annotate.normalize is off, too
            assert set(resolve_names(vocabulary_of(after, file="v"), normalize=False)) >= set(
                resolve_names(vocabulary_of(entries, file="v"), normalize=False)
            )
        patch = make_patch("v", current, written)
        assert revert_patch(patch, written) == current
        log += dump_line(LogLine(next_time(log), "me", arguments[0], tuple(arguments[1:]), None, {}, (patch,)))
        entries, current = after, written
        states.append(current)
    take_all_back(log, states)
    return len(states) - 1


def check_step(before: bytes, written: bytes, old: tuple[Entry, ...], new: tuple[Entry, ...], suffix: str) -> None:
    """The bytes say what was intended, make a vocabulary, are in canonical form, and differ in the edited entries."""
    assert read_entries(written, suffix, file="v") == new
    assert vocabulary_of(new, file="v").tags
    assert rewrite_vocabulary(written, suffix, new, file="v") == written
    canonical = rewrite_vocabulary(before, suffix, old, file="v")
    raw_before, raw_after = raw_entries(canonical, suffix), raw_entries(written, suffix)
    assert list(raw_after) == [entry.tag for entry in new]
    # CSV has two columns more as soon as a tag is deprecated.
    more = "," if suffix == ".csv" else ""
    for entry in new:
        if entry in old:
            assert raw_after[entry.tag].rstrip(more) == raw_before[entry.tag].rstrip(more)
    if not any(character in str(new) for character in ("\\n", "\\r")):
        assert set(re.findall(rb"\r\n|\n|\r", written)) <= {b"\n"}


def check_signs(entries: tuple[Entry, ...]) -> None:
    """c, c++ and c# are never one tag."""
    names = resolve_names(vocabulary_of(entries, file="v"))
    for first, second in combinations(CS, 2):
        assert names.get(first, -1) != names.get(second, -2)


def find_dangling(entries: tuple[Entry, ...]) -> set[str]:
    """The parents, in normal form, that no tag in use has for a name."""
    vocabulary = vocabulary_of(entries, file="v")
    named = {normalize_tag(parent) for parents in vocabulary.parents for parent in parents}
    return named - set(resolve_names(vocabulary))


def next_time(log: bytes) -> str:
    """No two lines of a log are of the same microsecond."""
    return f"2026-01-01T00:00:00.{len(log.splitlines()):06}+00:00"


def take_all_back(log: bytes, states: list[bytes]) -> None:
    """Undo after undo by the log alone, back to the first bytes; each undo is a line itself."""
    current = states[-1]
    for expected in reversed(states[:-1]):
        edit = find_undoable(parse_log(log, file="log"))
        assert edit is not None
        reverted = revert_patch(edit.patches[0], current)
        assert reverted == expected
        patch = invert_patch(edit.patches[0])
        log += dump_line(LogLine(next_time(log), "me", "undo", (), None, {}, (patch,), edit.digest))
        current = reverted
    assert find_undoable(parse_log(log, file="log")) is None


@modest
@given(documents(), st.data())
def test_edits_never_leave_an_invalid_vocabulary(document: Document, data: st.DataObject) -> None:
    run_sequence(document, data)


@pytest.mark.slow
@settings(modest, max_examples=75)
@given(documents(), st.data())
def test_many_long_sequences_of_edits(document: Document, data: st.DataObject) -> None:
    run_sequence(document, data, n_most=20)


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.parent.name)
def test_edits_of_the_real_files(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the public datasets are not there: ../shared/datasets, beside the repository")
    received = path.read_bytes()
    document = Document(read_entries(received, ".json", file="v"), received, ".json")
    n_done = 0

    @settings(modest, max_examples=5)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal n_done
        n_done += run_sequence(document, data, n_most=6)

    run()
    assert n_done > 5


@modest
@given(documents())
def test_a_rewritten_file_says_the_same_in_one_form(document: Document) -> None:
    written = rewrite_vocabulary(document.data, document.suffix, document.entries, file="v")
    assert read_entries(written, document.suffix, file="v") == document.entries
    assert rewrite_vocabulary(written, document.suffix, document.entries, file="v") == written


@modest
@given(documents(), st.data())
def test_any_order_of_entries_can_be_written(document: Document, data: st.DataObject) -> None:
    order = tuple(data.draw(st.permutations(document.entries)))
    written = rewrite_vocabulary(document.data, document.suffix, order, file="v")
    assert read_entries(written, document.suffix, file="v") == order
    canonical = rewrite_vocabulary(document.data, document.suffix, document.entries, file="v")
    assert raw_entries(written, document.suffix) == raw_entries(canonical, document.suffix)


@settings(modest, max_examples=100)
@given(st.text() | st.none(), st.text() | st.none(), st.text())
def test_a_patch_gives_the_bytes_back(before: str | None, after: str | None, common: str) -> None:
    old, new = (None if text is None else f"{common}{text}{common}".encode() for text in (before, after))
    patch = make_patch("v", old, new)
    assert revert_patch(patch, new) == old
    assert revert_patch(invert_patch(patch), old) == new


# The lists of data/curation


@st.composite
def lists(draw: Any, elements: list[Any], fields: list[str]) -> bytes:
    """ignore.json or not-same.json as somebody keeps it: the elements in the first field, in any order and layout."""
    chosen = draw(st.lists(st.sampled_from(elements), max_size=5))
    chosen = sorted(chosen) if draw(st.booleans()) else chosen
    tree = {"schema": 1, **{name: [] for name in fields}, fields[0]: chosen}
    order = draw(st.permutations(list(tree)))
    indent = draw(st.sampled_from([None, 0, 1, 2, 4, "\t"]))
    separators = draw(SEPARATORS) if indent is None else None
    text = json.dumps({name: tree[name] for name in order}, indent=indent, separators=separators)
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\n\n"])))
    return (draw(st.sampled_from(["", " ", "\n"])) + text + draw(st.sampled_from(["", "\n"]))).encode()


def check_added(before: bytes, field: ListName, element: Any) -> None:
    """One element more, in order if they were; in canonical form, and otherwise as the file was in that form."""
    canonical, after = rewrite_list(before, field, file="f"), rewrite_list(before, field, element, file="f")
    assert rewrite_list(after, field, file="f") == after
    old, new = json.loads(before), json.loads(after)
    assert json.loads(canonical) == old
    place = new[field].index(element)
    assert new == {**old, field: [*old[field][:place], element, *old[field][place:]]}
    assert new[field] == sorted(new[field]) if old[field] == sorted(old[field]) else place == len(old[field])
    patch = make_patch("f", canonical, after)
    assert (patch.before, revert_patch(patch, after)) == ("", canonical)


@modest
@given(lists(["a", "bb", "c++", "z", "基于"], ["tags", "patterns"]))
def test_an_ignored_tag_changes_nothing_else_of_the_file(data: bytes) -> None:
    check_added(data, "tags", "d/e")


@modest
@given(lists([["a", "b"], ["c", "c++"], ["z", "y"]], ["pairs"]))
def test_a_pair_told_apart_changes_nothing_else_of_the_file(data: bytes) -> None:
    check_added(data, "pairs", ["c", "c#"])


# Exchange


@settings(modest, max_examples=30)
@given(entry_lists(), st.sampled_from(FORMS))
def test_what_is_exported_comes_back(entries: tuple[Entry, ...], form: str) -> None:
    data = export_vocabulary(entries, form)
    back = import_vocabulary(data, form, file="v")
    assert back == entries
    assert export_vocabulary(back, form) == data


any_name = st.text(min_size=1, max_size=8).filter(str.strip)


@settings(modest, max_examples=30)
@given(st.lists(any_name, min_size=3, max_size=8, unique_by=normalize_tag), st.sampled_from(FORMS))
def test_any_text_comes_back_as_a_name(names: list[str], form: str) -> None:
    tag, other, *aliases = names
    entries = (Entry(tag, tuple(aliases)), Entry(other, (), (tag, *aliases[:1], "nowhere")))
    if form == "csv" and "|" in "".join([*aliases, tag]):
        with pytest.raises(EditRefused, match=r"\|"):
            export_vocabulary(entries, form)
        return
    data = export_vocabulary(entries, form)
    assert import_vocabulary(data, form, file="v") == entries
    assert json.dumps(data.decode())

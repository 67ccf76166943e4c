"""Edits of the vocabulary: what each does, and what each refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
from tagpipe.errors import EditRefused
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import resolve_names

Entries = tuple[Entry, ...]

ENTRIES: Entries = (
    Entry("ai", ("artificial-intelligence",)),
    Entry("c"),
    Entry("c#", ("csharp",)),
    Entry("c++", ("cpp",)),
    Entry("cnn", ("convnet", "conv-nets"), ("vision", "ai")),
    Entry("old-vision", (), (), True, "vision"),
    Entry("resnet", (), ("CNN", "no-such-tag")),
    Entry("vision", ("sight",), ("ai",)),
    Entry("zip", (), (), True),
)


def entry_of(entries: Entries, tag: str) -> Entry:
    return next(entry for entry in entries if entry.tag == tag)


def others(entries: Entries, *but: str) -> Entries:
    return tuple(entry for entry in entries if entry.tag not in but)


# What they do


def test_a_tag_is_added_where_the_order_wants_it() -> None:
    after = add_tag(ENTRIES, "keras", parents=["Artificial Intelligence", "ai"], aliases=["tf-keras"])
    assert after[5] == Entry("keras", ("tf-keras",), ("ai",))
    assert others(after, "keras") == ENTRIES
    unordered = (Entry("b"), Entry("a"))
    assert add_tag(unordered, "0") == (*unordered, Entry("0"))


def test_an_alias_is_added_at_the_end() -> None:
    after = add_alias(ENTRIES, "convolutional-network", "CNN")
    assert entry_of(after, "cnn").aliases == ("convnet", "conv-nets", "convolutional-network")
    assert others(after, "cnn") == others(ENTRIES, "cnn")


def test_another_spelling_of_the_own_name_may_be_an_alias() -> None:
    # It matters where annotate.normalize is off.
    assert entry_of(add_alias(ENTRIES, "CNN", "cnn"), "cnn").aliases[-1] == "CNN"


def test_a_renamed_tag_moves_and_its_old_name_stays_an_alias() -> None:
    after = rename_tag(ENTRIES, "cnn", "zz-net")
    assert after[-1] == Entry("zz-net", ("convnet", "conv-nets", "cnn"), ("vision", "ai"))
    assert entry_of(after, "resnet").parents == ("zz-net", "no-such-tag")


def test_a_renamed_tag_stays_in_place_in_a_file_without_order() -> None:
    entries = (Entry("b", (), ("a",)), Entry("a"), Entry("o", (), (), True, "a"))
    assert rename_tag(entries, "a", "c") == (
        Entry("b", (), ("c",)),
        Entry("c", ("a",)),
        Entry("o", (), (), True, "c"),
    )


def test_an_alias_can_become_the_name() -> None:
    assert entry_of(rename_tag(ENTRIES, "cnn", "convnet"), "convnet").aliases == ("conv-nets", "cnn")


def test_another_spelling_can_become_the_name() -> None:
    assert entry_of(rename_tag(ENTRIES, "cnn", "CNN"), "CNN").aliases == ("convnet", "conv-nets", "cnn")


def test_a_name_that_a_rename_spells_otherwise_still_means_the_tag() -> None:
    """Where annotate.normalize is off, `Conv Nets` is only what is written so."""
    entries = (Entry("cnn", ("Conv Nets",)),)
    after = rename_tag(entries, "cnn", "conv-nets")
    assert after == (Entry("conv-nets", ("Conv Nets", "cnn")),)
    assert set(resolve_names(vocabulary_of(after, file="v"), normalize=False)) == {"conv-nets", "Conv Nets", "cnn"}


def test_a_merged_tag_leaves_its_names_and_children_to_the_other() -> None:
    after = merge_tags(ENTRIES, "vision", "ai")
    assert entry_of(after, "ai") == Entry("ai", ("artificial-intelligence", "vision", "sight"))
    assert entry_of(after, "cnn").parents == ("ai",)
    assert entry_of(after, "old-vision").replaced_by == "ai"
    assert len(after) == len(ENTRIES) - 1


def test_a_tag_merged_into_its_child_is_no_parent_of_it() -> None:
    after = merge_tags(ENTRIES, "ai", "vision")
    assert entry_of(after, "vision") == Entry("vision", ("sight", "ai", "artificial-intelligence"), ())
    assert entry_of(after, "cnn").parents == ("vision",)


def test_aliases_split_off_become_a_tag_with_the_same_parents() -> None:
    after = split_tag(ENTRIES, "cnn", off=["Conv Nets"], into="conv-nets")
    assert entry_of(after, "cnn").aliases == ("convnet",)
    assert entry_of(after, "conv-nets") == Entry("conv-nets", (), ("vision", "ai"))
    after = split_tag(ENTRIES, "cnn", off=["convnet", "conv-nets"], into="nets")
    assert entry_of(after, "nets") == Entry("nets", ("convnet", "conv-nets"), ("vision", "ai"))


def test_a_parent_is_gained_by_its_tag_and_lost_as_it_is_written() -> None:
    assert entry_of(set_parent(ENTRIES, "vision", "csharp"), "vision").parents == ("ai", "c#")
    assert entry_of(set_parent(ENTRIES, "resnet", "old-vision"), "resnet").parents[-1] == "vision"
    assert entry_of(set_parent(ENTRIES, "resnet", "no_such tag", remove=True), "resnet").parents == ("CNN",)
    after = replace_parent(ENTRIES, "resnet", old="no-such-tag", new="sight")
    assert entry_of(after, "resnet").parents == ("CNN", "vision")


def test_a_deprecated_tag_means_its_replacement() -> None:
    after = deprecate_tag(ENTRIES, "vision", replaced_by="ai")
    assert entry_of(after, "vision") == Entry("vision", ("sight",), ("ai",), True, "ai")
    assert entry_of(after, "cnn").parents == ("ai",)
    assert entry_of(after, "old-vision").replaced_by == "ai"
    vocabulary = vocabulary_of(after, file="v")
    names = resolve_names(vocabulary)
    assert {vocabulary.tags[names[name]] for name in ("vision", "sight", "old-vision")} == {"ai"}


def test_a_deprecated_tag_without_a_replacement_is_out() -> None:
    after = deprecate_tag(ENTRIES, "resnet")
    assert entry_of(after, "resnet").deprecated
    assert vocabulary_of(after, file="v").deprecated == ("resnet", "zip")
    assert entry_of(deprecate_tag(after, "resnet", replaced_by="cnn"), "resnet").replaced_by == "cnn"


def test_all_entries_give_way_to_those_of_another_file() -> None:
    received = (Entry("z", (), ("nowhere",)), Entry("b", ("c++",)))
    assert replace_entries(ENTRIES, received) == received


def test_an_edit_of_another_entry_leaves_received_names_as_they_are() -> None:
    entries = (Entry("a\nb", (" x", "\u202ey")), Entry("n"))
    assert add_alias(entries, "m", "n") == (entries[0], Entry("n", ("m",)))
    assert split_tag(entries, "a\nb", off=["\u202ey"], into="z")[-1] == Entry("z", ("\u202ey",))


def test_a_parent_of_deprecated_tags_alone_may_go() -> None:
    entries = (Entry("a", ("x",)), Entry("b", (), ("a",), True), Entry("n"))
    assert deprecate_tag(entries, "a")[0].deprecated


def test_nothing_given_is_changed() -> None:
    before = tuple(ENTRIES)
    merge_tags(ENTRIES, "vision", "ai")
    assert before == ENTRIES


# What they refuse


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda each: add_tag(each, "AI"), ["has a tag of that name", '"AI"']),
        (lambda each: add_tag(each, "Sight"), ['alias of "vision"', "split"]),
        (lambda each: add_tag(each, "Zip"), ["a deprecated tag"]),
        (lambda each: add_tag(each, " "), ["not blank"]),
        (lambda each: add_tag(each, "\ud800"), ["not a name"]),
        (lambda each: add_tag(each, "a\u202eb"), ["the character \\u202e,", '"a\\u202eb"', "Write it without"]),
        (lambda each: add_tag(each, " a"), ["begin or end with a blank", 'Write "a"']),
        (lambda each: add_tag(each, "new", aliases=["a\nb"]), ["the character \\n,"]),
        (lambda each: add_alias(each, "a\u2028b", "ai"), ["the character \\u2028,"]),
        (lambda each: add_alias(each, "a\u3000", "ai"), ["begin or end with a blank"]),
        (lambda each: rename_tag(each, "ai", "a\x7f"), ["the character \\x7f,"]),
        (lambda each: rename_tag((Entry("a", ("b\t",)),), "a", "b\t"), ["the character \\t,"]),
        (lambda each: split_tag(each, "cnn", off=["convnet"], into="\u200bx"), ["the character \\u200b,"]),
        (lambda each: split_tag((Entry("a", ("b ",)),), "a", off=["b "], into="b "), ["begin or end with a blank"]),
        (lambda each: add_tag(each, "new", parents=["resnets"]), ["no such tag", '"resnets"', 'nearest is "resnet"']),
        (lambda each: add_tag(each, "new", parents=["zip"]), ["deprecated", '"zip"']),
        (lambda each: add_tag(each, "new", aliases=["n", "n"]), ['"n"', "already"]),
        (lambda each: add_tag(each, "new", aliases=["sight"]), ['alias of "vision"']),
        (lambda each: add_tag(each, "new", parents=["new"]), ["no such tag"]),
        (lambda each: add_alias(each, "vision", "cnn"), ["has a tag of that name"]),
        (lambda each: add_alias(each, "sight", "cnn"), ['alias of "vision"']),
        (lambda each: add_alias(each, "sight", "vision"), ["already"]),
        (lambda each: add_alias(each, "vision", "vision"), ["already"]),
        (lambda each: add_alias(each, "x", "sight"), ["an alias, not a tag", 'Its tag is "vision"']),
        (lambda each: add_alias(each, "x", "old-vision"), ["deprecated", 'replaced by "vision"']),
        (lambda each: add_alias(each, "x", "zip"), ["deprecated"]),
        (lambda each: rename_tag(each, "vision", "vision"), ["has a tag of that name"]),
        (lambda each: rename_tag(each, "vision", "cnn"), ["has a tag of that name"]),
        (lambda each: rename_tag(each, "vision", "cpp"), ['alias of "c++"']),
        (lambda each: merge_tags(each, "vision", "Vision"), ["into itself"]),
        (lambda each: merge_tags(each, "nope", "ai"), ["no such tag"]),
        (lambda each: merge_tags(each, "ai", "cnn"), ["cycle"]),
        (lambda each: split_tag(each, "cnn", off=[], into="x"), ["at least one alias"]),
        (lambda each: split_tag(each, "cnn", off=["sight"], into="x"), ["no such alias", '"convnet", "conv-nets"']),
        (lambda each: split_tag(each, "ai", off=["x"], into="x"), ["no such alias"]),
        (lambda each: split_tag(each, "cnn", off=["convnet"], into="conv-nets"), ['alias of "cnn"']),
        (lambda each: split_tag(each, "cnn", off=["convnet"], into="ai"), ["has a tag of that name"]),
        (lambda each: set_parent(each, "cnn", "cnn"), ["own parent"]),
        (lambda each: set_parent(each, "cnn", "convnet"), ["own parent"]),
        (lambda each: set_parent(each, "cnn", "AI"), ["already"]),
        (lambda each: set_parent(each, "ai", "resnet"), ["cycle", '"cnn"']),
        (lambda each: set_parent(each, "ai", "zip"), ["deprecated"]),
        (lambda each: set_parent(each, "cnn", "c", remove=True), ["no such parent", '"vision", "ai"']),
        (lambda each: deprecate_tag(each, "zip"), ["already"]),
        (lambda each: deprecate_tag(each, "vision"), ['"vision" replaces "old-vision"']),
        (lambda each: deprecate_tag(each, "cnn"), ['"cnn" is a parent of 1 tag', '- "resnet"', "--replaced-by TAG"]),
        (
            lambda each: deprecate_tag(set_parent(each, "c", "cnn"), "cnn"),
            ["of 2 tags", '- "c"', '- "resnet"', "`tagpipe vocab parent --remove`", "--instead-of"],
        ),
        (
            lambda each: deprecate_tag((*each, Entry("a", (), ("Artificial Intelligence",))), "ai"),
            ['"ai" is a parent of 3 tags', '- "a"', '- "cnn"', '- "vision"'],
        ),
        (
            lambda each: deprecate_tag((*each, Entry("a", (), ("old-vision",))), "old-vision"),
            ['"old-vision" is a parent of 1 tag'],
        ),
        (lambda each: deprecate_tag(each, "vision", replaced_by="vision"), ["replace itself"]),
        (lambda each: deprecate_tag(each, "resnet", replaced_by="convnet"), ["an alias, not a tag"]),
        (lambda each: deprecate_tag(each, "resnet", replaced_by="zip"), ["deprecated"]),
        (lambda each: deprecate_tag(each, "ai", replaced_by="cnn"), ["cycle"]),
    ],
)
def test_what_would_break_the_vocabulary_is_refused(edit: Callable[[Entries], Entries], words: list[str]) -> None:
    with pytest.raises(EditRefused) as caught:
        edit(ENTRIES)
    assert caught.value.exit_code == 2
    assert [word for word in words if word not in str(caught.value)] == []


def test_the_last_tag_cannot_be_deprecated() -> None:
    with pytest.raises(EditRefused, match="every tag"):
        deprecate_tag((Entry("a"), Entry("b", deprecated=True)), "a")


# Signs


@pytest.mark.parametrize(
    "edit",
    [
        lambda each: merge_tags(each, "c", "c++"),
        lambda each: merge_tags(each, "c#", "c"),
        lambda each: merge_tags(each, "c++", "c#"),
        lambda each: deprecate_tag(each, "c", replaced_by="c++"),
        lambda each: rename_tag(others(each, "c"), "c++", "C"),
        lambda each: add_alias(others(each, "c"), "c", "c#"),
        lambda each: add_tag(each, "f", aliases=["f#"]),
        lambda each: merge_tags(add_alias(others(each, "c"), "c", "ai"), "ai", "c++"),
        lambda each: replace_entries(each, (Entry("c", ("c++",)),)),
        lambda each: replace_entries(each, (Entry("x", ("c#", "C")), Entry("y"))),
        lambda each: replace_entries(each, (Entry("c#"), Entry("C", (), (), True, "c#"))),
    ],
)
def test_names_that_differ_in_a_sign_are_never_one(edit: Callable[[Entries], Entries]) -> None:
    with pytest.raises(EditRefused, match="differ in nothing but a sign"):
        edit(ENTRIES)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cpp", "c++"),
        ("csharp", "c#"),
        ("nodejs", "node.js"),
        ("ci-cd", "ci/cd"),
        ("data-sets", "dataset"),
        ("g", "c++"),
    ],
)
def test_other_names_may_be_one(first: str, second: str) -> None:
    assert merge_tags((Entry(first), Entry(second)), first, second) == (Entry(second, (first,)),)


def test_a_file_that_has_such_names_already_can_still_be_edited() -> None:
    entries = (Entry("c", ("c++", "clang")), Entry("d"))
    assert add_alias(entries, "c-lang", "c")[0].aliases[-1] == "c-lang"
    with pytest.raises(EditRefused, match="sign"):
        add_alias(entries, "c#", "c")
    assert replace_entries(entries, entries[:1]) == entries[:1]

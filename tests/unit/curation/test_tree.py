"""The vocabulary as a tree: a tag stands under each of its parents, and nothing is drawn twice in full."""

from __future__ import annotations

from tagpipe.curation.tree import draw_tree, find_children
from tagpipe.vocabulary.vocabulary import Vocabulary


def vocabulary_of(parents: dict[str, tuple[str, ...]], aliases: dict[str, tuple[str, ...]] | None = None) -> Vocabulary:
    tags = tuple(sorted(parents))
    return Vocabulary(tags, tuple((aliases or {}).get(tag, ()) for tag in tags), tuple(parents[tag] for tag in tags))


def draw(vocabulary: Vocabulary, tag: str | None = None) -> list[str]:
    rows = draw_tree(vocabulary, {}, tag=tag)
    return [f"{'.' * row.depth}{row.tag}{'' if row.is_known else '?'}{'^' * row.is_repeated}" for row in rows]


def test_a_tag_with_two_parents_stands_under_both() -> None:
    drawn = draw(vocabulary_of({"a": (), "b": (), "c": ("a", "b"), "d": ("c",)}))
    assert drawn == ["a", ".c", "..d", "b", ".c^"]


def test_parents_are_found_through_aliases() -> None:
    known = vocabulary_of({"nlp": (), "qa": ("NL Processing",)}, {"nlp": ("nl-processing",)})
    assert draw(known) == ["nlp", ".qa"]
    assert find_children(known) == {"nlp": ("qa",)}


def test_a_parent_that_is_not_there_is_marked() -> None:
    assert draw(vocabulary_of({"a": (), "b": ("audio",)})) == ["a", "audio?", ".b"]


def test_below_one_tag() -> None:
    known = vocabulary_of({"a": (), "b": ("a",), "c": ("b",), "d": ()})
    assert draw(known, "b") == ["b", ".c"]


def test_support_stands_beside_each_tag() -> None:
    rows = draw_tree(vocabulary_of({"a": (), "b": ("a",)}), {"a": 3})
    assert [(row.tag, row.n_projects, row.n_children) for row in rows] == [("a", 3, 1), ("b", None, 0)]


def test_a_ladder_of_diamonds_and_a_deep_chain_are_drawn_at_once() -> None:
    rungs = {f"t{at:03}{side}": (f"t{at - 1:03}a", f"t{at - 1:03}b") for at in range(1, 200) for side in "ab"}
    ladder: dict[str, tuple[str, ...]] = {"t000": (), "t000a": ("t000",), "t000b": ("t000",), **rungs}
    assert len(draw(vocabulary_of(ladder))) < 1_000
    chain = {f"t{at:05}": (f"t{at - 1:05}",) if at else () for at in range(5_000)}
    assert draw_tree(vocabulary_of(chain), {})[-1].depth == 4_999

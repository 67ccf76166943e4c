"""Edits of a vocabulary: entries in, new entries out, or EditRefused if the vocabulary would have errors.

An added entry keeps a file that is ascending by tag ascending; in any other file it goes to the end. The entries that
an edit does not concern stay as they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from tagpipe.curation.edit_checks import (
    check_aliases,
    check_is_free,
    check_is_name,
    check_nothing_hangs_on,
    find_alias,
    find_entry,
    find_tag,
    refusal,
    without_parent,
)
from tagpipe.errors import EditRefused, InputError, escape_shown
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag

Entries = tuple[Entry, ...]

_NO_SIGN = re.compile(r"[\w\s.:,/&()'’-]")
"""Letters, digits and what only parts them; anything else is a sign, such as the + of c++ and the # of c#."""


def add_tag(entries: Sequence[Entry], tag: str, *, parents: Sequence[str] = (), aliases: Sequence[str] = ()) -> Entries:
    """A new tag. Parents may be named by an alias; they are written by their tag."""
    check_is_free(entries, tag)
    up = _drop_repeats(find_tag(entries, parent, follow=True).tag for parent in parents)
    return _finish(entries, _place(entries, Entry(tag, check_aliases(entries, aliases, of=tag), up)))


def add_alias(entries: Sequence[Entry], raw: str, tag: str) -> Entries:
    """`raw` becomes a further name of `tag`."""
    entry = find_tag(entries, tag)
    aliases = check_aliases(entries, [raw], of=entry.tag)
    return _finish(entries, _put(entries, replace(entry, aliases=(*entry.aliases, *aliases))))


def rename_tag(entries: Sequence[Entry], old: str, new: str) -> Entries:
    """`old` becomes an alias of `new`; what names `old` as parent or replacement names `new`.

    `new` may be an alias of `old`. Another spelling of `new` stays an alias: where annotate.normalize is off, nothing
    else says that it means the tag.
    """
    entry = find_tag(entries, old)
    check_is_name(new)
    if new not in entry.aliases:  # the tag's own alias may become its name
        check_is_free(entries, new, but=entry)
    aliases = (*(alias for alias in entry.aliases if alias != new), entry.tag)
    renamed = replace(entry, tag=new, aliases=aliases)
    # A renamed entry moves only in a file that is kept in order, so that the git diff stays small.
    if _is_ascending(entries):
        after = _place([kept for kept in entries if kept is not entry], renamed)
    else:
        after = tuple(renamed if old_entry is entry else old_entry for old_entry in entries)
    return _finish(entries, _repoint(after, entry.tag, new))


def merge_tags(entries: Sequence[Entry], a: str, b: str) -> Entries:
    """`a` and its aliases become aliases of `b`; what names `a` as parent or replacement names `b`.

    The parents of `a` itself are given up: `b` keeps its own.
    """
    gone, kept = find_tag(entries, a), find_tag(entries, b)
    if gone is kept:
        raise refusal("a tag cannot be merged into itself", a, fix="Name two tags")
    merged = replace(kept, aliases=_drop_repeats((*kept.aliases, gone.tag, *gone.aliases)))
    after = tuple(merged if entry is kept else entry for entry in entries if entry is not gone)
    return _finish(entries, _repoint(after, gone.tag, kept.tag))


def split_tag(entries: Sequence[Entry], tag: str, *, off: Sequence[str], into: str) -> Entries:
    """Some aliases of `tag` become the new tag `into` and its aliases; `into` may be one of them. It gets the parents
    of `tag`."""
    entry = find_tag(entries, tag)
    taken = [find_alias(entry, alias) for alias in off]
    if not taken:
        raise EditRefused("a split takes at least one alias", field="off", fix="To make a new tag, add it")
    left = tuple(alias for alias in entry.aliases if alias not in taken)
    remaining = _put(entries, replace(entry, aliases=left))
    check_is_free(remaining, into)
    aliases = tuple(alias for alias in _drop_repeats(taken) if alias != into)
    return _finish(entries, _place(remaining, Entry(into, aliases, entry.parents)))


def set_parent(entries: Sequence[Entry], tag: str, parent: str, *, remove: bool = False) -> Entries:
    """`tag` gets a parent, or loses it. A parent that is gained may be named by an alias; it is written by its tag.
    One that is removed is named as the file has it, whether it is a tag or not."""
    entry = find_tag(entries, tag)
    if remove:
        return _finish(entries, _put(entries, replace(entry, parents=without_parent(entry, parent))))
    up = find_tag(entries, parent, follow=True)
    if up is entry:
        raise refusal("a tag cannot be its own parent", parent, fix="Name another tag")
    if normalize_tag(up.tag) in map(normalize_tag, entry.parents):
        raise refusal(f"{escape_shown(entry.tag)} has this parent already", parent)
    return _finish(entries, _put(entries, replace(entry, parents=(*entry.parents, up.tag))))


def replace_parent(entries: Sequence[Entry], tag: str, *, old: str, new: str) -> Entries:
    """`tag` gets the parent `new` and loses `old`, each named as in `set_parent`."""
    return set_parent(set_parent(entries, tag, old, remove=True), tag, new)


def deprecate_tag(entries: Sequence[Entry], tag: str, *, replaced_by: str | None = None) -> Entries:
    """`tag` goes out of use. With a replacement, its names mean that one, which also takes its place as a parent and as
    a replacement; without one, they are out of vocabulary. `tag` may be deprecated already."""
    entry = find_entry(entries, tag)
    by = None if replaced_by is None else find_tag(entries, replaced_by)
    if by is None:
        check_nothing_hangs_on(entries, entry)
    if by is entry:
        raise refusal("a tag cannot replace itself", tag, fix="Name another tag")
    after = replace(entry, deprecated=True, replaced_by=by.tag if by else None)
    if after == entry:
        raise EditRefused(f"{escape_shown(entry.tag)} is already deprecated in this way", found="deprecated")
    changed = _put(entries, after)
    return _finish(entries, _repoint(changed, entry.tag, by.tag) if by else changed)


def replace_entries(entries: Sequence[Entry], new: Sequence[Entry]) -> Entries:
    """Replace all entries by `new`, which may have parents that no entry has: they are somebody else's work."""
    present = set(_names_of(entries))
    for name in _names_of(new):
        if name not in present:
            check_is_name(name)
    return _finish(entries, new)


# The result


def _names_of(entries: Iterable[Entry]) -> Iterator[str]:
    return (name for entry in entries for name in (entry.tag, *entry.aliases))


def _is_ascending(entries: Sequence[Entry]) -> bool:
    return all(first.tag < second.tag for first, second in pairwise(entries))


def _place(entries: Sequence[Entry], entry: Entry) -> Entries:
    """With `entry` added where the order of the entries wants it."""
    place = sum(present.tag < entry.tag for present in entries) if _is_ascending(entries) else len(entries)
    return (*entries[:place], entry, *entries[place:])


def _put(entries: Sequence[Entry], entry: Entry) -> Entries:
    """With `entry` in place of the one of the same tag."""
    return tuple(entry if present.tag == entry.tag else present for present in entries)


def _repoint(entries: Sequence[Entry], old: str, new: str) -> Entries:
    """With `new` as parent and as replacement wherever it was `old`; never its own parent, never a parent twice."""
    form = normalize_tag(old)

    def repoint(entry: Entry) -> Entry:
        if entry.replaced_by is not None and normalize_tag(entry.replaced_by) == form:
            entry = replace(entry, replaced_by=new)
        if form not in map(normalize_tag, entry.parents):
            return entry
        parents = _drop_repeats(new if normalize_tag(name) == form else name for name in entry.parents)
        return replace(entry, parents=tuple(name for name in parents if name != entry.tag))

    return tuple(map(repoint, entries))


def _drop_repeats(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _finish(before: Sequence[Entry], after: Sequence[Entry]) -> Entries:
    """`after`, if it makes a vocabulary without a new pair of names of one tag that differ only in a sign."""
    try:
        vocabulary = vocabulary_of(after, file="the vocabulary")
    except InputError as error:
        raise EditRefused(
            f"this edit would break the vocabulary: {error.what}", details=error.details, fix="Nothing was changed"
        ) from None
    # Pairs that the file had before do not keep people from editing it.
    known = _find_sign_pairs(vocabulary_of(before, file="the vocabulary"))
    for difference, names in _find_sign_pairs(vocabulary).items():
        if difference not in known:
            raise EditRefused(
                "names that differ in nothing but a sign are never one tag",
                found=" and ".join(map(escape_shown, names)),
                fix="Keep them apart: c, c++ and c# are three tags",
            )
    return tuple(after)


def _find_sign_pairs(vocabulary: Vocabulary) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(what they share, the signs of each) -> two names of one tag, normalised, that are the same but for signs: c and
    c++, not cpp and c++."""
    pairs = {}
    for tag, aliases in zip(vocabulary.tags, vocabulary.aliases, strict=True):
        by_stem: dict[str, dict[str, str]] = defaultdict(dict)
        for name in map(normalize_tag, (tag, *aliases)):
            by_stem["".join(re.findall(r"\w", name))].setdefault(_NO_SIGN.sub("", name), name)
        for stem, names in by_stem.items():
            for first, second in combinations(sorted(names), 2):
                pairs[stem, first, second] = (names[first], names[second])
    return pairs

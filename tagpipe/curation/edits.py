"""Edits of a vocabulary: entries in, new entries out, or EditRefused where the vocabulary would not survive it.

Every result makes a vocabulary without errors. Added entries go where the order of the file wants them: it stays
ascending by tag if it was, else they go to the end. The entries that an edit is not about stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from tagpipe.errors import EditRefused, InputError, escape_shown, visible
from tagpipe.tables.schemas import is_unicode
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.nearest import find_nearest
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag

Entries = tuple[Entry, ...]

_NO_SIGN = re.compile(r"[\w\s.:,/&()'’-]")
"""Letters, digits and what only parts them; anything else is a sign, such as the + of c++ and the # of c#."""

_UNSEEN = ("Cc", "Cf", "Zl", "Zp")
"""Categories of characters that no name may be given: control, format, and what ends a line or paragraph."""


def add_tag(entries: Sequence[Entry], tag: str, *, parents: Sequence[str] = (), aliases: Sequence[str] = ()) -> Entries:
    """A new tag. Parents may be named by an alias; they are written by their tag."""
    _check_is_free(entries, tag)
    up = _drop_repeats(_find_tag(entries, parent, follow=True).tag for parent in parents)
    return _finish(entries, _place(entries, Entry(tag, _check_aliases(entries, aliases, of=tag), up)))


def add_alias(entries: Sequence[Entry], raw: str, tag: str) -> Entries:
    """`raw` becomes a further name of `tag`."""
    entry = _find_tag(entries, tag)
    aliases = _check_aliases(entries, [raw], of=entry.tag)
    return _finish(entries, _put(entries, replace(entry, aliases=(*entry.aliases, *aliases))))


def rename_tag(entries: Sequence[Entry], old: str, new: str) -> Entries:
    """`old` becomes an alias of `new`; what names `old` as parent or replacement names `new`.

    `new` may be an alias of `old`. Another spelling of `new` stays an alias: where annotate.normalize is off, nothing
    else says that it means the tag.
    """
    entry = _find_tag(entries, old)
    _check_is_name(new)
    if new not in entry.aliases:
        _check_is_free(entries, new, but=entry)
    aliases = (*(alias for alias in entry.aliases if alias != new), entry.tag)
    renamed = replace(entry, tag=new, aliases=aliases)
    if _is_ascending(entries):
        after = _place([each for each in entries if each is not entry], renamed)
    else:
        after = tuple(renamed if each is entry else each for each in entries)
    return _finish(entries, _repoint(after, entry.tag, new))


def merge_tags(entries: Sequence[Entry], a: str, b: str) -> Entries:
    """`a` and its aliases become aliases of `b`; what names `a` as parent or replacement names `b`.

    The parents of `a` itself are given up: `b` keeps its own.
    """
    gone, kept = _find_tag(entries, a), _find_tag(entries, b)
    if gone is kept:
        raise EditRefused("a tag cannot be merged into itself", found=escape_shown(a), fix="Name two tags")
    others = _drop_repeats((*kept.aliases, gone.tag, *gone.aliases))
    merged = replace(kept, aliases=others)
    after = tuple(merged if each is kept else each for each in entries if each is not gone)
    return _finish(entries, _repoint(after, gone.tag, kept.tag))


def split_tag(entries: Sequence[Entry], tag: str, *, off: Sequence[str], into: str) -> Entries:
    """Some aliases of `tag` become the new tag `into` and its aliases; `into` may be one of them. It gets the parents
    of `tag`."""
    entry = _find_tag(entries, tag)
    taken = [_find_alias(entry, alias) for alias in off]
    if not taken:
        raise EditRefused("a split takes at least one alias", field="off", fix="To make a new tag, add it")
    left = tuple(alias for alias in entry.aliases if alias not in taken)
    remaining = _put(entries, replace(entry, aliases=left))
    _check_is_free(remaining, into)
    aliases = tuple(alias for alias in _drop_repeats(taken) if alias != into)
    return _finish(entries, _place(remaining, Entry(into, aliases, entry.parents)))


def set_parent(entries: Sequence[Entry], tag: str, parent: str, *, remove: bool = False) -> Entries:
    """`tag` gets a parent, or loses it. A parent that is gained may be named by an alias; it is written by its tag.
    One that is removed is named as the file has it, be it a tag or not."""
    entry = _find_tag(entries, tag)
    if remove:
        return _finish(entries, _put(entries, replace(entry, parents=_without_parent(entry, parent))))
    up = _find_tag(entries, parent, follow=True)
    if up is entry:
        raise EditRefused("a tag cannot be its own parent", found=escape_shown(parent), fix="Name another tag")
    if normalize_tag(up.tag) in map(normalize_tag, entry.parents):
        raise EditRefused(f"{escape_shown(entry.tag)} has this parent already", found=escape_shown(parent))
    return _finish(entries, _put(entries, replace(entry, parents=(*entry.parents, up.tag))))


def replace_parent(entries: Sequence[Entry], tag: str, *, old: str, new: str) -> Entries:
    """`tag` gets the parent `new` and loses `old`, each named as in `set_parent`."""
    return set_parent(set_parent(entries, tag, old, remove=True), tag, new)


def deprecate_tag(entries: Sequence[Entry], tag: str, *, replaced_by: str | None = None) -> Entries:
    """`tag` is no tag any more. With a replacement its names mean that one, which also becomes the parent and the
    replacement in its place; without, they are out of vocabulary. `tag` may be deprecated already."""
    entry = _find_entry(entries, tag)
    if replaced_by is None:
        _check_nothing_hangs_on(entries, entry)
        by = None
    else:
        by = _find_tag(entries, replaced_by)
        if by is entry:
            raise EditRefused("a tag cannot replace itself", found=escape_shown(tag), fix="Name another tag")
    after = replace(entry, deprecated=True, replaced_by=by.tag if by else None)
    if after == entry:
        raise EditRefused(f"{escape_shown(entry.tag)} is so already", found="deprecated")
    changed = _put(entries, after)
    return _finish(entries, _repoint(changed, entry.tag, by.tag) if by else changed)


def replace_entries(entries: Sequence[Entry], new: Sequence[Entry]) -> Entries:
    """All of them give way to `new`, which may have parents that no entry has: they are somebody else's work."""
    given = {name for each in entries for name in (each.tag, *each.aliases)}
    for name in (name for each in new for name in (each.tag, *each.aliases)):
        if name not in given:
            _check_is_name(name)
    return _finish(entries, new)


# What an edit is about


def _find_entry(entries: Sequence[Entry], name: str) -> Entry:
    """The entry of that tag, in any spelling that compares equal."""
    form = normalize_tag(name)
    for entry in entries:
        if normalize_tag(entry.tag) == form:
            return entry
    for entry in entries:
        if form in map(normalize_tag, entry.aliases):
            raise EditRefused(
                "that is an alias, not a tag", found=escape_shown(name), fix=f"Its tag is {escape_shown(entry.tag)}"
            )
    nearest = find_nearest(name, vocabulary_of(entries, file="the vocabulary"))
    raise EditRefused(
        "the vocabulary has no such tag",
        found=escape_shown(name),
        fix="Add it first" if nearest is None else f"The nearest is {escape_shown(nearest)}",
    )


def _find_tag(entries: Sequence[Entry], name: str, *, follow: bool = False) -> Entry:
    """The entry of a tag that is not deprecated. follow: aliases and replacements are resolved."""
    if follow:
        form = normalize_tag(name)
        tag = next((each.tag for each in entries if form in map(normalize_tag, each.aliases)), name)
        entry = _find_entry(entries, tag)
        entry = entry if entry.replaced_by is None else _find_entry(entries, entry.replaced_by)
    else:
        entry = _find_entry(entries, name)
    if entry.deprecated:
        raise EditRefused(
            "that tag is deprecated",
            found=escape_shown(name),
            fix="Name another" if entry.replaced_by is None else f"It is replaced by {escape_shown(entry.replaced_by)}",
        )
    return entry


def _find_alias(entry: Entry, name: str) -> str:
    """The alias as it is written in the entry."""
    if name in entry.aliases:
        return name
    form = normalize_tag(name)
    for alias in entry.aliases:
        if normalize_tag(alias) == form:
            return alias
    raise EditRefused(
        f"{escape_shown(entry.tag)} has no such alias",
        found=escape_shown(name),
        expected=", ".join(map(escape_shown, entry.aliases)) or "an alias; it has none",
    )


def _check_is_name(name: str) -> None:
    """Refuse to give a name that is blank, or holds what nobody sees. What a received file calls so may stay."""
    if not name.strip() or not is_unicode(name):
        raise EditRefused("not a name", found=escape_shown(name), expected="a text that is not blank")
    if unseen := next((each for each in name if unicodedata.category(each) in _UNSEEN), None):
        raise EditRefused(
            f"a name cannot hold the character {visible(unseen)}, which nobody sees",
            found=escape_shown(name),
            fix="Write it without",
        )
    if name != name.strip():
        raise EditRefused(
            "a name cannot begin or end with a blank",
            found=escape_shown(name),
            fix=f"Write {escape_shown(name.strip())}",
        )


def _check_is_free(entries: Sequence[Entry], name: str, *, but: Entry | None = None) -> None:
    """Refuse a name that is none, or means something already; other spellings of `but` itself are free."""
    _check_is_name(name)
    form = normalize_tag(name)
    for entry in entries:
        if normalize_tag(entry.tag) == form and (entry is not but or name == entry.tag):
            kind = "a deprecated tag" if entry.deprecated else "a tag"
            raise EditRefused(f"the vocabulary has {kind} of that name", found=escape_shown(name), fix="Name another")
        if entry is not but and form in map(normalize_tag, entry.aliases):
            raise EditRefused(
                f"that is an alias of {escape_shown(entry.tag)}",
                found=escape_shown(name),
                fix=f"To part them, split {escape_shown(entry.tag)}",
            )


def _check_aliases(entries: Sequence[Entry], aliases: Sequence[str], *, of: str) -> tuple[str, ...]:
    """`aliases`, if each of them may be added to the tag `of` (which the entries may have or not)."""
    owner = next((entry for entry in entries if entry.tag == of), None)
    for alias in aliases:
        if alias == of or (owner and alias in owner.aliases) or list(aliases).count(alias) > 1:
            raise EditRefused(f"{escape_shown(of)} has this name already", found=escape_shown(alias))
        _check_is_free(entries, alias, but=owner)
    return tuple(aliases)


def _check_nothing_hangs_on(entries: Sequence[Entry], gone: Entry) -> None:
    """Refuse to let a tag go that others are replaced by, or have as a parent, by whichever of its names."""
    shown = escape_shown(gone.tag)
    if dependent := [each.tag for each in entries if each.replaced_by == gone.tag]:
        raise EditRefused(
            f"{shown} replaces {', '.join(map(escape_shown, dependent))}",
            fix="Name a replacement, which will replace them too",
        )
    names = set(map(normalize_tag, (gone.tag, *gone.aliases)))
    children = [
        each.tag for each in entries if not each.deprecated and names.intersection(map(normalize_tag, each.parents))
    ]
    if children:
        raise EditRefused(
            f"{shown} is a parent of {len(children)} tag{'s' if len(children) > 1 else ''}",
            fix="Name the tag that takes its place with --replaced-by TAG; or take it away from them first, with "
            "`tagpipe vocab parent --remove` or `--instead-of`",
            details=tuple(map(escape_shown, children)),
        )


def _without_parent(entry: Entry, parent: str) -> tuple[str, ...]:
    form = normalize_tag(parent)
    left = tuple(name for name in entry.parents if normalize_tag(name) != form)
    if left == entry.parents:
        raise EditRefused(
            f"{escape_shown(entry.tag)} has no such parent",
            found=escape_shown(parent),
            expected=", ".join(map(escape_shown, entry.parents)) or "a parent; it has none",
        )
    return left


# What comes of it


def _is_ascending(entries: Sequence[Entry]) -> bool:
    return all(first.tag < second.tag for first, second in pairwise(entries))


def _place(entries: Sequence[Entry], entry: Entry) -> Entries:
    """With `entry` added where the order of the entries wants it."""
    at = sum(each.tag < entry.tag for each in entries) if _is_ascending(entries) else len(entries)
    return (*entries[:at], entry, *entries[at:])


def _put(entries: Sequence[Entry], entry: Entry) -> Entries:
    """With `entry` in place of the one of the same tag."""
    return tuple(entry if each.tag == entry.tag else each for each in entries)


def _repoint(entries: Sequence[Entry], old: str, new: str) -> Entries:
    """With `new` as parent and as replacement wherever it was `old`; never its own parent, never a parent twice."""
    form = normalize_tag(old)
    return tuple(_repoint_entry(entry, form, new) for entry in entries)


def _repoint_entry(entry: Entry, old_form: str, new: str) -> Entry:
    by = entry.replaced_by
    if by is not None and normalize_tag(by) == old_form:
        entry = replace(entry, replaced_by=new)
    if old_form not in map(normalize_tag, entry.parents):
        return entry
    parents = _drop_repeats(new if normalize_tag(name) == old_form else name for name in entry.parents)
    return replace(entry, parents=tuple(name for name in parents if name != entry.tag))


def _drop_repeats(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _finish(before: Sequence[Entry], after: Sequence[Entry]) -> Entries:
    """`after`, if it makes a vocabulary, and gives no tag names that differ in nothing but a sign."""
    try:
        vocabulary = vocabulary_of(after, file="the vocabulary")
    except InputError as error:
        raise EditRefused(
            f"this edit would break the vocabulary: {error.what}", details=error.details, fix="Nothing was changed"
        ) from None
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

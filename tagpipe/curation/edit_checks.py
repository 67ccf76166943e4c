"""What an edit of a vocabulary is about: the entry that a name means, and whether a name may be given or taken away."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tagpipe.errors import EditRefused, escape_shown, visible
from tagpipe.tables.schemas import is_unicode
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.nearest import find_nearest
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import normalize_tag

_UNSEEN = ("Cc", "Cf", "Zl", "Zp")
"""Categories of characters that no name may be given: control, format, and what ends a line or paragraph."""


def find_entry(entries: Sequence[Entry], name: str) -> Entry:
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


def find_tag(entries: Sequence[Entry], name: str, *, follow: bool = False) -> Entry:
    """The entry of a tag that is not deprecated. follow: aliases and replacements are resolved."""
    if follow:
        form = normalize_tag(name)
        tag = next((entry.tag for entry in entries if form in map(normalize_tag, entry.aliases)), name)
        entry = find_entry(entries, tag)
        entry = entry if entry.replaced_by is None else find_entry(entries, entry.replaced_by)
    else:
        entry = find_entry(entries, name)
    if entry.deprecated:
        raise EditRefused(
            "that tag is deprecated",
            found=escape_shown(name),
            fix="Name another" if entry.replaced_by is None else f"It is replaced by {escape_shown(entry.replaced_by)}",
        )
    return entry


def find_alias(entry: Entry, name: str) -> str:
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


def check_is_name(name: str) -> None:
    """Refuse to give a name that is blank, or holds what nobody sees. What a received file calls so may stay."""
    if not name.strip() or not is_unicode(name):
        raise EditRefused("not a name", found=escape_shown(name), expected="a text that is not blank")
    if unseen := next((character for character in name if unicodedata.category(character) in _UNSEEN), None):
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


def check_is_free(entries: Sequence[Entry], name: str, *, but: Entry | None = None) -> None:
    """Refuse a blank or invisible name, or one that is taken; other spellings of `but` itself are free."""
    check_is_name(name)
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


def check_aliases(entries: Sequence[Entry], aliases: Sequence[str], *, of: str) -> tuple[str, ...]:
    """`aliases`, if each of them may be added to the tag `of` (which the entries may have or not)."""
    owner = next((entry for entry in entries if entry.tag == of), None)
    for alias in aliases:
        if alias == of or (owner and alias in owner.aliases) or list(aliases).count(alias) > 1:
            raise EditRefused(f"{escape_shown(of)} has this name already", found=escape_shown(alias))
        check_is_free(entries, alias, but=owner)
    return tuple(aliases)


def check_nothing_hangs_on(entries: Sequence[Entry], gone: Entry) -> None:
    """Refuse to let a tag go that others are replaced by, or have as a parent, by whichever of its names."""
    shown = escape_shown(gone.tag)
    if dependent := [entry.tag for entry in entries if entry.replaced_by == gone.tag]:
        raise EditRefused(
            f"{shown} replaces {', '.join(map(escape_shown, dependent))}",
            fix="Name a replacement, which will replace them too",
        )
    names = set(map(normalize_tag, (gone.tag, *gone.aliases)))
    children = [
        entry.tag for entry in entries if not entry.deprecated and names.intersection(map(normalize_tag, entry.parents))
    ]
    if children:
        raise EditRefused(
            f"{shown} is a parent of {len(children)} tag{'s' if len(children) > 1 else ''}",
            fix="Name the tag that takes its place with --replaced-by TAG; or take it away from them first, with "
            "`tagpipe vocab parent --remove` or `--instead-of`",
            details=tuple(map(escape_shown, children)),
        )


def without_parent(entry: Entry, parent: str) -> tuple[str, ...]:
    """The parents without the one of that name, in any spelling."""
    form = normalize_tag(parent)
    left = tuple(name for name in entry.parents if normalize_tag(name) != form)
    if left == entry.parents:
        raise EditRefused(
            f"{escape_shown(entry.tag)} has no such parent",
            found=escape_shown(parent),
            expected=", ".join(map(escape_shown, entry.parents)) or "a parent; it has none",
        )
    return left

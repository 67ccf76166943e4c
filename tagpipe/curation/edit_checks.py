"""The checks of an edit: find the entry that a name means, or refuse a name that cannot be given or removed."""

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


def refusal(what: str, name: str, *, fix: str | None = None, expected: str | None = None) -> EditRefused:
    """The error for an edit that `name` makes impossible."""
    return EditRefused(what, found=escape_shown(name), fix=fix, expected=expected)


def find_entry(entries: Sequence[Entry], name: str) -> Entry:
    """The entry of that tag, in any spelling that compares equal."""
    form = normalize_tag(name)
    for entry in entries:
        if normalize_tag(entry.tag) == form:
            return entry
    if owner := _find_owner(entries, name):
        raise refusal("that is an alias, not a tag", name, fix=f"Its tag is {escape_shown(owner.tag)}")
    nearest = find_nearest(name, vocabulary_of(entries, file="the vocabulary"))
    fix = "Add it first" if nearest is None else f"The nearest is {escape_shown(nearest)}"
    raise refusal("the vocabulary has no such tag", name, fix=fix)


def find_tag(entries: Sequence[Entry], name: str, *, follow: bool = False) -> Entry:
    """The entry of a tag that is not deprecated. follow: aliases and replacements are resolved."""
    owner = _find_owner(entries, name) if follow else None
    entry = find_entry(entries, owner.tag if owner else name)
    if follow and entry.replaced_by is not None:
        entry = find_entry(entries, entry.replaced_by)
    if entry.deprecated:
        by = entry.replaced_by
        fix = "Name another" if by is None else f"It is replaced by {escape_shown(by)}"
        raise refusal("that tag is deprecated", name, fix=fix)
    return entry


def _find_owner(entries: Sequence[Entry], alias: str) -> Entry | None:
    return next((entry for entry in entries if _find_equal(entry.aliases, alias)), None)


def _find_equal(names: Sequence[str], name: str) -> list[str]:
    """Those of `names` that compare equal to `name`."""
    form = normalize_tag(name)
    return [other for other in names if normalize_tag(other) == form]


def find_alias(entry: Entry, name: str) -> str:
    """The alias as it is written in the entry."""
    spellings = _find_equal(entry.aliases, name)
    if not spellings:
        expected = ", ".join(map(escape_shown, entry.aliases)) or "an alias; it has none"
        raise refusal(f"{escape_shown(entry.tag)} has no such alias", name, expected=expected)
    return name if name in spellings else spellings[0]


def without_parent(entry: Entry, parent: str) -> tuple[str, ...]:
    """The parents without the one of that name, in any spelling."""
    gone = _find_equal(entry.parents, parent)
    if not gone:
        expected = ", ".join(map(escape_shown, entry.parents)) or "a parent; it has none"
        raise refusal(f"{escape_shown(entry.tag)} has no such parent", parent, expected=expected)
    return tuple(name for name in entry.parents if name not in gone)


def check_is_name(name: str) -> None:
    """Refuse a new name that is blank or has invisible characters. Received files may have such names."""
    if not name.strip() or not is_unicode(name):
        raise refusal("not a name", name, expected="a text that is not blank")
    if unseen := next((character for character in name if unicodedata.category(character) in _UNSEEN), None):
        what = f"a name cannot hold the character {visible(unseen)}, which nobody sees"
        raise refusal(what, name, fix="Write it without")
    if name != name.strip():
        fix = f"Write {escape_shown(name.strip())}"
        raise refusal("a name cannot begin or end with a blank", name, fix=fix)


def check_is_free(entries: Sequence[Entry], name: str, *, but: Entry | None = None) -> None:
    """Refuse a blank or invisible name, or one that is taken; other spellings of `but` itself are free."""
    check_is_name(name)
    form = normalize_tag(name)
    for entry in entries:
        tag = escape_shown(entry.tag)
        if normalize_tag(entry.tag) == form and (entry is not but or name == entry.tag):
            kind = "a deprecated tag" if entry.deprecated else "a tag"
            raise refusal(f"the vocabulary has {kind} of that name", name, fix="Name another")
        if entry is not but and _find_equal(entry.aliases, name):
            raise refusal(f"that is an alias of {tag}", name, fix=f"To part them, split {tag}")


def check_aliases(entries: Sequence[Entry], aliases: Sequence[str], *, of: str) -> tuple[str, ...]:
    """`aliases`, if each of them may be added to the tag `of` (which the entries may have or not)."""
    owner = next((entry for entry in entries if entry.tag == of), None)
    for alias in aliases:
        if alias == of or (owner and alias in owner.aliases) or list(aliases).count(alias) > 1:
            raise refusal(f"{escape_shown(of)} has this name already", alias)
        check_is_free(entries, alias, but=owner)
    return tuple(aliases)


def check_nothing_hangs_on(entries: Sequence[Entry], gone: Entry) -> None:
    """Refuse to remove a tag that replaces other tags or that is a parent, by any of its names."""
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

"""People's decisions about tags outside the vocabulary file: forms to ignore, and pairs that are not the same.

ignore.json    {"schema": 1, "tags": [...], "patterns": [...]}
not-same.json  {"schema": 1, "pairs": [[a, b], ...]}

People edit both by hand, too, so any order is read; they are always written in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import InputError, escape_shown
from tagpipe.formats.strict_json import parse_json
from tagpipe.tables.schemas import is_unicode
from tagpipe.tables.tag_lists import Bools
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

SCHEMA = 1
ListName = Literal["tags", "pairs"]
"""The list of each file that commands add to."""
_FIELDS: Mapping[ListName, tuple[str, ...]] = {"tags": ("tags", "patterns"), "pairs": ("pairs",)}
_Fault = tuple[str, object, str]
"""(what is wrong, the value, what was expected) of an element of a list."""


@dataclass(frozen=True)
class Ignored:
    """Forms outside the vocabulary that the monitor and the suggestions pass over."""

    tags: tuple[str, ...] = ()
    """Normal forms, ascending."""
    patterns: tuple[str, ...] = ()
    """Regular expressions (RE2), ascending; each has to match a whole normal form."""


@dataclass(frozen=True)
class DistinctNames:
    """Pairs of names that a person has called not the same."""

    pairs: frozenset[tuple[str, str]] = frozenset()
    """Normal forms, each pair ascending, as recorded."""
    vocabulary: Vocabulary | None = None
    """If given, each name stands for the tag that has it, so a rename brings no pair back."""

    def within(self, vocabulary: Vocabulary) -> DistinctNames:
        """The same pairs, with each name standing for its tag in `vocabulary`. Two names of one tag are not a pair."""
        return DistinctNames(self.pairs, vocabulary)

    def holds(self, first: str, second: str) -> bool:
        """True if the names, in any spelling and order, are a recorded pair, or mean the tags of one."""
        return frozenset((self._resolve(first), self._resolve(second))) in self._resolved

    @cached_property
    def _tag_of(self) -> dict[str, int]:
        return {} if self.vocabulary is None else resolve_names(self.vocabulary)

    @cached_property
    def _resolved(self) -> frozenset[frozenset[int | str]]:
        resolved = (frozenset(map(self._resolve, pair)) for pair in self.pairs)
        return frozenset(pair for pair in resolved if len(pair) == 2)

    def _resolve(self, name: str) -> int | str:
        form = normalize_tag(name)
        return self._tag_of.get(form, form)


def parse_ignored(data: bytes, *, file: str) -> Ignored:
    """Parse ignore.json. Raises InputError for another form, a tag not in normal form, a pattern that RE2 refuses."""
    lists = parse_lists(data, "tags", file=file)
    return Ignored(*(tuple(sorted(set(lists[field]))) for field in ("tags", "patterns")))


def find_ignored(forms: pa.StringArray, ignored: Ignored) -> Bools:
    """For each normal form, True if it is to be ignored."""
    is_ignored = np.asarray(pc.is_in(forms, value_set=pa.array(ignored.tags, pa.string())))
    for pattern in ignored.patterns:
        # RE2, in Arrow, takes linear time for any pattern; `re` can take exponential time.
        is_ignored = is_ignored | np.asarray(pc.match_substring_regex(forms, _for_whole(pattern)))
    return is_ignored


def find_pattern(form: str, ignored: Ignored) -> str | None:
    """The first pattern that matches a normal form; None if none does."""
    forms = pa.array([form], pa.string())
    return next((text for text in ignored.patterns if find_ignored(forms, Ignored(patterns=(text,)))[0]), None)


def parse_not_same(data: bytes, *, file: str) -> DistinctNames:
    """Parse not-same.json. Raises InputError for another form, or a name that is not in normal form."""
    pairs = parse_lists(data, "pairs", file=file)["pairs"]  # in normal form already
    return DistinctNames(frozenset((min(pair), max(pair)) for pair in pairs))


def _for_whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


def parse_lists(data: bytes, name: ListName, *, file: str) -> dict[str, list[Any]]:
    """The lists of the file that holds the list `name`, in file order. Raises InputError for any other form."""
    fields = _FIELDS[name]
    tree = parse_json(data, file=file)

    def refuse(
        fault: _Fault,
        field: str | None = None,
        row: int | None = None,
        fix: str = "Correct the file, or restore it from git",
    ) -> NoReturn:
        what, found, expected = fault
        raise InputError(what, file=file, row=row, field=field, found=escape_shown(found), expected=expected, fix=fix)

    if not isinstance(tree, dict) or set(tree) != {"schema", *fields}:
        refuse(("is not of its form", tree, f"an object with {', '.join(('schema', *fields))}"))
    if tree["schema"] != SCHEMA or isinstance(tree["schema"], bool):  # True == 1
        fix = "Upgrade tagpipe, or restore the file from git"
        refuse(("has a form that is not read", tree["schema"], str(SCHEMA)), "schema", fix=fix)
    for field in fields:
        if not isinstance(tree[field], list):
            refuse(("is not a list", tree[field], "a list"), field)
        for row, element in enumerate(tree[field], start=1):
            if fault := _FIND_FAULT[field](element):
                refuse(fault, field, row)
    return {field: tree[field] for field in fields}


def _find_tag_fault(tag: object) -> _Fault | None:
    if not isinstance(tag, str) or not tag.strip() or not is_unicode(tag):
        return "is not a tag", tag, "a text that is not blank"
    if normalize_tag(tag) != tag:
        return "is not in normal form, so nothing would match it", tag, escape_shown(normalize_tag(tag))
    return None


def _find_pair_fault(pair: object) -> _Fault | None:
    if not isinstance(pair, list) or len(pair) != 2 or pair[0] == pair[1]:
        return "not a pair", pair, "a list of two different tags"
    return next(filter(None, map(_find_tag_fault, pair)), None)


def _find_pattern_fault(pattern: object) -> _Fault | None:
    expected = "a regular expression (RE2) for a whole tag"
    if not isinstance(pattern, str) or not pattern or not is_unicode(pattern):
        return "is not a pattern", pattern, expected
    for text in (pattern, _for_whole(pattern)):  # alone as well, because `a)|(b` is valid only in parentheses
        try:
            pc.match_substring_regex(pa.array([""]), text)
        except pa.ArrowInvalid as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            return f"is not a pattern ({reason})", pattern, expected
    return None


_FIND_FAULT: Mapping[str, Callable[[object], _Fault | None]] = {
    "tags": _find_tag_fault,
    "patterns": _find_pattern_fault,
    "pairs": _find_pair_fault,
}


def empty_file(name: ListName) -> bytes:
    """The bytes of the file that holds the list `name`, without an element."""
    return dump_lists(dict.fromkeys(_FIELDS[name], ()))


def dump_lists(lists: Mapping[str, Iterable[Any]]) -> bytes:
    """The file of curation lists: indented by two spaces, one element a line, UTF-8, with a newline at the end."""
    lines = [f'  "schema": {SCHEMA}']
    for field, elements in lists.items():
        inner = ",\n".join(f"    {json.dumps(element, ensure_ascii=False)}" for element in elements)
        lines.append(f'  "{field}": ' + (f"[\n{inner}\n  ]" if inner else "[]"))
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8")

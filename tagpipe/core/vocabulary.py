"""The curated vocabulary: canonical tags, their aliases and parents, and what is wrong with them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.core.flat import Int32s
from tagpipe.core.schemas import NAME, NAMES, is_unicode, vocabulary_entries
from tagpipe.core.strict_json import parse_json
from tagpipe.errors import InputError, escape_shown

SCHEMA = 1
_EXPECTED = {"tag": NAME, "aliases": NAMES, "parents": NAMES}
_FIELDS = tuple(_EXPECTED)
_NORMAL_CHARACTERS = "[a-z0-9.+#:-]+"
_NORMAL = re.compile(_NORMAL_CHARACTERS)
_SEPARATORS = re.compile(r"[\s_]+")
_CSV_SEPARATOR = "|"


def normalize_tag(raw: str) -> str:
    """The form in which tags are compared: NFKC, stripped, casefolded, runs of white space or `_` as one `-`.

    `#`, `+`, `.` and `:` stay, so that c, c++ and c# are three tags.

    >>> normalize_tag("  Natural_Language  Processing ")
    'natural-language-processing'
    """
    if _NORMAL.fullmatch(raw):
        return raw
    # Casefolding can undo NFKC (and the other way round); twice is a fixed point, as Unicode's NFKC_Casefold.
    text = unicodedata.normalize("NFKC", raw).strip().casefold()
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    return _SEPARATORS.sub("-", text)


def normalize_tags(raw: pa.StringArray) -> pa.StringArray:
    """`normalize_tag` of every text. Only texts that are not in normal form already are looked at one by one."""
    is_other = pc.invert(pc.match_substring_regex(raw, rf"\A{_NORMAL_CHARACTERS}\z"))
    others = pa.array([normalize_tag(tag) for tag in raw.filter(is_other).to_pylist()], pa.string())
    return pc.replace_with_mask(raw, is_other, others)


@dataclass(frozen=True)
class Vocabulary:
    """tags: canonical, ascending. aliases, parents: of each tag, ascending, as curated (a parent may be an alias)."""

    tags: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    parents: tuple[tuple[str, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """The one normal form, as data/validated/vocabulary.json holds it."""
        entries = zip(self.tags, self.aliases, self.parents, strict=True)
        return {
            "schema": SCHEMA,
            "tags": [{"tag": tag, "aliases": list(aliases), "parents": list(up)} for tag, aliases, up in entries],
        }


def read_vocabulary(data: bytes, suffix: str, *, file: str) -> Vocabulary:
    """The vocabulary of received bytes: a JSON object {tag: {aliases, parents}}, a list of {tag, aliases, parents},
    the same as lines (NDJSON), or CSV with the columns tag, aliases, parents (lists separated by `|`).

    Raises InputError with all findings: an alias claimed twice or canonical, a cycle, a tag that is its own
    parent, a tag given twice, entries of another form, no tags at all.
    """
    entries = _read_entries(data, suffix, file=file)
    if not entries:
        raise InputError(
            "the vocabulary is empty",
            file=file,
            expected="at least one tag",
            fix="An empty vocabulary would drop every project; restore it from git",
        )
    _check_form(entries, file=file)
    problems = [*_find_repeats(entries), *_find_clashes(entries)]
    if problems:
        raise InputError(
            f"{len(problems)} error{'s' if len(problems) > 1 else ''} in the vocabulary: {problems[0]}",
            file=file,
            field="tag",
            fix="Correct the vocabulary",
            details=tuple(problems) if len(problems) > 1 else (),
        )
    vocabulary = _to_vocabulary(entries)
    if cycle := find_cycle(vocabulary):
        raise InputError(
            f"parents form a cycle: {' -> '.join(map(escape_shown, cycle))}",
            file=file,
            field="parents",
            fix="Remove one of these parents",
        )
    return vocabulary


def load_vocabulary(tree: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of its own normal form (`Vocabulary.as_dict`)."""
    return _to_vocabulary(tree["tags"])


def _to_vocabulary(entries: Iterable[Mapping[str, Any]]) -> Vocabulary:
    ordered = sorted(entries, key=lambda entry: entry["tag"])
    return Vocabulary(
        tuple(entry["tag"] for entry in ordered),
        tuple(tuple(sorted(set(entry["aliases"]))) for entry in ordered),
        tuple(tuple(sorted(set(entry["parents"]))) for entry in ordered),
    )


def _read_entries(data: bytes, suffix: str, *, file: str) -> list[dict[str, Any]]:
    if suffix == ".csv":
        return _read_csv_entries(data, file=file)
    tree = parse_json(data, file=file) if suffix == ".json" else _read_lines(data, file=file)
    if isinstance(tree, dict):
        tree = [{"tag": tag, **_expect_object(entry, tag, file)} for tag, entry in tree.items()]
    if not isinstance(tree, list):
        raise InputError(
            "not a vocabulary",
            file=file,
            found=escape_shown(tree),
            expected="an object {tag: {aliases, parents}} or a list of {tag, aliases, parents}",
            fix="docs/data-model.md shows both forms",
        )
    return [
        {"tag": None, "aliases": [], "parents": [], **_expect_object(entry, row, file)}
        for row, entry in enumerate(tree, start=1)
    ]


def _expect_object(entry: object, where: object, file: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InputError(
            "not an entry of a vocabulary",
            file=file,
            row=where if isinstance(where, int) else None,
            field=escape_shown(where) if isinstance(where, str) else None,
            found=escape_shown(entry),
            expected="an object with aliases and parents",
            fix="Correct the entry",
        )
    unknown = sorted(set(entry) - set(_FIELDS))
    if unknown or (isinstance(where, str) and "tag" in entry):
        raise InputError(
            "an entry has a field that no vocabulary has",
            file=file,
            row=where if isinstance(where, int) else None,
            field=escape_shown(unknown[0] if unknown else "tag"),
            found=escape_shown(entry),
            expected=", ".join(_FIELDS),
            fix="Remove it, or correct its name",
        )
    return entry


def _read_lines(data: bytes, *, file: str) -> list[object]:
    lines = enumerate(data.split(b"\n"), start=1)
    return [parse_json(line, file=f"{file}, line {number}") for number, line in lines if line.strip()]


def _read_csv_entries(data: bytes, *, file: str) -> list[dict[str, Any]]:
    from tagpipe.core.received_csv import read_cells

    cells, misfits = read_cells(data, file=file)
    unknown = [name for name in cells.column_names if name not in _FIELDS]
    if misfits or unknown or "tag" not in cells.column_names:
        raise InputError(
            "not a vocabulary",
            file=file,
            row=misfits[0][0] if misfits else None,
            field=escape_shown(unknown[0]) if unknown else None,
            found=escape_shown(misfits[0][1]) if misfits else escape_shown(",".join(cells.column_names)),
            expected=f"the columns tag, aliases, parents (lists separated by {_CSV_SEPARATOR})",
            fix="Correct the header or the row",
        )
    return [
        {
            "tag": row["tag"],
            "aliases": [name for name in (row.get("aliases") or "").split(_CSV_SEPARATOR) if name],
            "parents": [name for name in (row.get("parents") or "").split(_CSV_SEPARATOR) if name],
        }
        for row in cells.to_pylist()
    ]


def _check_form(entries: list[dict[str, Any]], *, file: str) -> None:
    """Types of all entries, by pandera. Raises InputError with every failing entry."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    _check_unicode(entries, file=file)
    frame = pd.DataFrame({name: pd.Series([entry[name] for entry in entries], dtype=object) for name in _FIELDS})
    try:
        vocabulary_entries().validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return
    found = [(int(index) + 1, str(column)) for column, index in zip(cases["column"], cases["index"], strict=True)]
    row, field = found[0]
    raise InputError(
        "an entry of the vocabulary has a wrong value",
        file=file,
        row=row,
        field=field,
        found=escape_shown(entries[row - 1][field]),
        expected=_EXPECTED[field],
        fix="Correct the entry",
        details=tuple(
            f"row {row}, tag {escape_shown(entries[row - 1]['tag'])}, field {field}: "
            f"found {escape_shown(entries[row - 1][field])}"
            for row, field in found
        ),
    )


def _check_unicode(entries: list[dict[str, Any]], *, file: str) -> None:
    """Raise InputError for a name that UTF-8 cannot hold; no table could."""
    for row, entry in enumerate(entries, start=1):
        for field in _FIELDS:
            names = entry[field] if isinstance(entry[field], list) else [entry[field]]
            for name in names:
                if isinstance(name, str) and not is_unicode(name):
                    raise InputError(
                        "a name holds half of a surrogate pair",
                        file=file,
                        row=row,
                        field=field,
                        found=escape_shown(name),
                        expected="text that UTF-8 can hold",
                        fix="Correct the escape",
                    )


def _find_repeats(entries: list[dict[str, Any]]) -> list[str]:
    """Tags given twice, or twice up to their normal form (which could then mean either)."""
    by_form: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_form[normalize_tag(entry["tag"])].append(entry["tag"])
    return [
        f"tag {escape_shown(tags[0])} is given twice"
        + (f" (also as {escape_shown(tags[1])}, which is the same when compared)" if tags[0] != tags[1] else "")
        for tags in by_form.values()
        if len(tags) > 1
    ]


def _find_clashes(entries: list[dict[str, Any]]) -> list[str]:
    """Aliases that could mean two tags, and tags that are their own parent."""
    tag_of = {normalize_tag(entry["tag"]): entry["tag"] for entry in entries}
    claims: dict[str, list[str]] = defaultdict(list)
    problems = []
    for entry in entries:
        tag = entry["tag"]
        for alias in entry["aliases"]:
            owner = tag_of.get(normalize_tag(alias))
            if owner is not None and (owner != tag or alias == tag):
                problems.append(f"alias {escape_shown(alias)} of {escape_shown(tag)} is itself a canonical tag")
            elif tag not in claims[normalize_tag(alias)]:
                claims[normalize_tag(alias)].append(tag)
        if normalize_tag(tag) in map(normalize_tag, entry["parents"]):
            problems.append(f"tag {escape_shown(tag)} is its own parent")
    problems += [
        f"alias {escape_shown(alias)} is claimed by {' and '.join(map(escape_shown, tags))}"
        for alias, tags in claims.items()
        if len(tags) > 1
    ]
    return problems


def resolve_names(vocabulary: Vocabulary, *, normalize: bool = True, aliases: bool = True) -> dict[str, int]:
    """Name (normalised, if so asked) -> index into `vocabulary.tags`; a canonical name beats an alias."""
    form = normalize_tag if normalize else str
    names: dict[str, int] = {}
    if aliases:
        for index, of_tag in enumerate(vocabulary.aliases):
            names.update((form(alias), index) for alias in of_tag)
    names.update((form(tag), index) for index, tag in enumerate(vocabulary.tags))
    return names


def look_up(forms: pa.StringArray, names: Mapping[str, int]) -> Int32s:
    """What `names` (of `resolve_names`) has for each form; -1 where it has nothing."""
    at = pc.index_in(forms, value_set=pa.array(names, pa.string()))
    indices = np.fromiter(names.values(), np.int32, len(names))
    return np.where(np.asarray(at.is_valid()), indices[np.asarray(at.fill_null(0))], np.int32(-1))


def resolve_parents(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of each tag's parents, through aliases; unknown parents are left out (they are warnings)."""
    names = resolve_names(vocabulary)
    return [
        tuple(sorted({names[form] for name in parents if (form := normalize_tag(name)) in names}))
        for parents in vocabulary.parents
    ]


def find_cycle(vocabulary: Vocabulary) -> list[str]:
    """A cycle of parents, child to parent and back to the child; empty if there is none."""
    parents = resolve_parents(vocabulary)
    done = [False] * len(parents)
    for start in range(len(parents)):
        path: list[int] = []
        on_path: dict[int, int] = {}
        stack = [] if done[start] else [(start, iter(parents[start]))]
        while stack:
            tag, rest = stack[-1]
            if tag not in on_path:
                on_path[tag] = len(path)
                path.append(tag)
            parent = next(rest, None)
            if parent is None:
                stack.pop()
                done[tag] = True
                path.pop()
                del on_path[tag]
            elif parent in on_path:
                cycle = [*path[on_path[parent] :], parent]
                return [vocabulary.tags[index] for index in cycle]
            elif not done[parent]:
                stack.append((parent, iter(parents[parent])))
    return []


def find_ancestors(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of all ancestors of each tag, ascending. The vocabulary must be free of cycles."""
    parents = resolve_parents(vocabulary)
    known: list[frozenset[int] | None] = [None] * len(parents)
    for start in range(len(parents)):
        stack = [start]
        while stack:
            tag = stack[-1]
            todo = [parent for parent in parents[tag] if known[parent] is None]
            if todo:
                stack.extend(todo)
            else:
                known[stack.pop()] = frozenset(parents[tag]).union(*(known[parent] or () for parent in parents[tag]))
    return [tuple(sorted(ancestors or ())) for ancestors in known]

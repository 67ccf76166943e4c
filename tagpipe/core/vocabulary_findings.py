"""Everything that is wrong or suspicious about a vocabulary, each with the nearest thing that would mend it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from tagpipe.core.curation import NotSame
from tagpipe.core.told_apart import ToldApart
from tagpipe.core.vocabulary import Vocabulary, find_cycle, normalize_tag, vocabulary_of
from tagpipe.core.vocabulary_checks import Finding, FindingKind, find_warnings
from tagpipe.core.vocabulary_entries import Entry
from tagpipe.errors import InputError, escape_shown

INTEGRITY = "integrity"
FADING = "fading"


@dataclass(frozen=True)
class VocabularyFinding:
    """One finding. kind: a FindingKind, `integrity` or `fading`. tag, value: whose, and what is wrong with it.

    nearest: the existing tag that was probably meant, None if none is near. what, fix: in words.
    """

    level: Literal["error", "warning"]
    kind: str
    tag: str | None
    value: str | None
    nearest: str | None
    what: str
    fix: str


def list_errors(entries: Sequence[Entry], *, file: str) -> list[VocabularyFinding]:
    """What keeps the entries from being a vocabulary; a cycle of parents also where there are other errors."""
    try:
        vocabulary_of(entries, file=file)
    except InputError as error:
        problems = list(error.details or (error.what,))
        cycle = find_cycle(loosely(entries))
        shown = " -> ".join(map(escape_shown, cycle))
        if cycle and not any(shown in problem for problem in problems):
            problems.append(f"parents form a cycle: {shown}")
        return [VocabularyFinding("error", INTEGRITY, None, None, None, each, f"Correct {file}") for each in problems]
    return []


def loosely(entries: Sequence[Entry]) -> Vocabulary:
    """The vocabulary that is meant, errors or not: the first entry of each tag counts."""
    first = {entry.tag: entry for entry in reversed(entries)}
    live = [entry for tag, entry in sorted(first.items()) if not entry.deprecated]
    gone = [entry for entry in entries if entry.deprecated]
    names = {entry.tag: {*entry.aliases} for entry in live}
    for entry in gone:
        names.get(entry.replaced_by or "", set()).update((entry.tag, *entry.aliases))
    return Vocabulary(
        tuple(entry.tag for entry in live),
        tuple(tuple(sorted(names[entry.tag])) for entry in live),
        tuple(tuple(sorted({*entry.parents})) for entry in live),
        tuple(sorted({name for entry in gone if entry.replaced_by is None for name in (entry.tag, *entry.aliases)})),
    )


def list_warnings(
    vocabulary: Vocabulary,
    *,
    used: Collection[str] | None,
    counts: Mapping[str, int],
    support: Mapping[str, int],
    not_same: NotSame,
    fading: Collection[str] = (),
) -> list[VocabularyFinding]:
    """The warnings, by kind. used: names that projects write; None where no version is built, so nothing is unused.

    counts: out-of-vocabulary form -> projects with it. support: tag -> projects with it. fading: tags that the monitor
    sees fade. What a person has called not the same is no near duplicate, nor the nearest.
    """
    gone = frozenset(map(normalize_tag, vocabulary.deprecated))
    names = pa.array(sorted(vocabulary.tags if used is None else used), pa.string())
    found = find_warnings(vocabulary, names, ToldApart(vocabulary, not_same.pairs))
    return [*(_describe(each, counts, support, gone) for each in found), *_describe_fading(fading, vocabulary)]


def _describe(
    each: Finding, counts: Mapping[str, int], support: Mapping[str, int], gone: Collection[str]
) -> VocabularyFinding:
    if each.kind == FindingKind.UNKNOWN_PARENT:
        what, fix = _say_unknown_parent(each, counts, is_deprecated=normalize_tag(each.value) in gone)
    elif each.kind == FindingKind.PARENT_IS_ALIAS:
        what, fix = _say_alias(each)
    elif each.kind == FindingKind.NEAR_DUPLICATE:
        what, fix = _say_near_duplicate(each, support)
    else:
        what, fix = _say_never_used(each)
    return VocabularyFinding("warning", str(each.kind), each.tag, each.value, each.nearest, what, fix)


def _say_unknown_parent(each: Finding, counts: Mapping[str, int], *, is_deprecated: bool) -> tuple[str, str]:
    remove = f"`tagpipe vocab parent --remove {quote(each.tag, each.value)}`"
    if is_deprecated:
        return f"parent {each.value} of {each.tag} is deprecated", f"Take it away: {remove}"
    n_projects = counts.get(normalize_tag(each.value), 0)
    used = f", and {n_projects} project{'s carry' if n_projects > 1 else ' carries'} it as a tag" if n_projects else ""
    what = f"parent {each.value} of {each.tag} is not in the vocabulary{used}"
    if each.nearest is not None:
        return what, f"Did you mean {each.nearest}? " + command("parent", each.tag, each.nearest, instead_of=each.value)
    return what, f"Add it: {command('add', each.value)}; or take it away: {remove}"


def _say_alias(each: Finding) -> tuple[str, str]:
    assert each.nearest is not None
    what = f"parent {each.value} of {each.tag} is an alias of {each.nearest}"
    return what, f"Name the tag: {command('parent', each.tag, each.nearest, instead_of=each.value)}"


def _say_near_duplicate(each: Finding, support: Mapping[str, int]) -> tuple[str, str]:
    assert each.nearest is not None
    # The one that more projects have stays.
    gone, kept = sorted((each.tag, each.nearest), key=lambda tag: (support.get(tag, 0), tag))
    merge, apart = command("merge", gone, kept), command("not-same", gone, kept)
    return f"{gone} and {kept} are spelt alike", f"One tag: {merge}; two: {apart}"


def _say_never_used(each: Finding) -> tuple[str, str]:
    near = f" (the nearest tag is {each.nearest})" if each.nearest else ""
    return f"{each.tag} is never used{near}", f"Keep it, or {command('deprecate', each.tag)}"


def _describe_fading(fading: Collection[str], vocabulary: Vocabulary) -> Iterator[VocabularyFinding]:
    for tag in sorted(set(fading) & set(vocabulary.tags)):
        fix = f"Look at it: {command('show', tag)}"
        yield VocabularyFinding("warning", FADING, tag, tag, None, f"{tag} is fading", fix)


def command(action: str, *names: str, instead_of: str | None = None) -> str:
    """A command line to copy: what the vocabulary or the public wrote is quoted for a shell."""
    option = "" if instead_of is None else f"--instead-of {shlex.quote(instead_of)} "
    return f"`tagpipe vocab {action} {option}{quote(*names)}`"


def quote(*names: str) -> str:
    """Names as arguments of a shell command; those that look like options come behind `--`."""
    ahead = "-- " if any(name.startswith("-") for name in names) else ""
    return ahead + shlex.join(names)

"""Everything that is wrong or suspicious about a vocabulary, each with the nearest thing that would mend it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pyarrow as pa

from tagpipe.curation.log import as_arguments
from tagpipe.errors import escape_shown
from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.lint import LintKind, LintWarning, find_warnings
from tagpipe.vocabulary.nearest import find_nearest
from tagpipe.vocabulary.problems import Problem, ProblemKind, find_problems, resolve_entries
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

FADING = "fading"
_BAD_REPLACEMENTS = (ProblemKind.REPLACEMENT_UNKNOWN, ProblemKind.REPLACEMENT_DEPRECATED)


@dataclass(frozen=True)
class VocabularyIssue:
    """One finding. kind: a ProblemKind (error), a LintKind or `fading` (warning).

    tag, value: whose, and what is wrong with it; both None for an error of the whole file. nearest: the existing tag
    that was probably meant, None if none is near. what, fix: in words.
    """

    level: Literal["error", "warning"]
    kind: str
    tag: str | None
    value: str | None
    nearest: str | None
    what: str
    fix: str


def list_errors(entries: Sequence[Entry], *, file: str) -> list[VocabularyIssue]:
    """What keeps the entries from being a vocabulary, and what in the file would mend each.

    No command can: the commands that edit refuse a vocabulary with errors.
    """
    vocabulary = resolve_entries(entries)
    names = resolve_names(vocabulary)
    found = []
    for each in find_problems(entries):
        nearest = _find_replacement(each, entries, vocabulary, names) if each.kind in _BAD_REPLACEMENTS else None
        fix = _say_fix(each, nearest, file)
        found.append(VocabularyIssue("error", str(each.kind), each.tag, each.value, nearest, each.what, fix))
    return found


def _find_replacement(
    each: Problem, entries: Sequence[Entry], vocabulary: Vocabulary, names: Mapping[str, int]
) -> str | None:
    """The tag that was meant by a replacement that is none: what the name stands for, else what it is most like."""
    wanted = each.value or ""
    if each.kind == ProblemKind.REPLACEMENT_DEPRECATED:
        wanted = next((entry.replaced_by for entry in entries if entry.tag == wanted), None) or ""
        index = names.get(normalize_tag(wanted))
        return None if index is None else vocabulary.tags[index]
    index = names.get(normalize_tag(wanted))
    return find_nearest(wanted, vocabulary) if index is None else vocabulary.tags[index]


def _say_fix(each: Problem, nearest: str | None, file: str) -> str:
    tag, value, others = escape_shown(each.tag), escape_shown(each.value), list(map(escape_shown, each.others))
    match each.kind:
        case ProblemKind.NO_ENTRY | ProblemKind.ALL_DEPRECATED:
            return f"No project would have a tag; restore {file} from git"
        case ProblemKind.TAG_REPEATED:
            which = f"the {len(others)} entries of {tag}" if len(set(others)) == 1 else " and ".join(others)
            return f"Remove all but one of {which} in {file}"
        case ProblemKind.ALIAS_IS_TAG if each.others == (each.tag,):
            return f"Remove {value} from the aliases of {tag} in {file}"
        case ProblemKind.ALIAS_IS_TAG:
            return f"Remove alias {value} from {tag}, or the entry of {others[0]}, in {file}"
        case ProblemKind.ALIAS_OF_SEVERAL:
            return f"Remove alias {value} from {' or from '.join(others)} in {file}"
        case ProblemKind.OWN_PARENT:
            return f"Remove {value} from the parents of {tag} in {file}"
        case ProblemKind.REPLACED_BUT_LIVE:
            return f"Set deprecated of {tag}, or remove its replaced_by, in {file}"
        case ProblemKind.REPLACEMENT_UNKNOWN | ProblemKind.REPLACEMENT_DEPRECATED:
            meant = "Name a tag" if nearest is None else f"Did you mean {escape_shown(nearest)}? Name it"
            return f"{meant} as replaced_by of {tag} in {file}, or remove that"
        case ProblemKind.PARENT_CYCLE:
            steps = ", ".join(f"{parent} of {child}" for child, parent in pairwise(others))
            return f"Remove one of these parents in {file}: {steps}"


def list_warnings(
    vocabulary: Vocabulary,
    *,
    used: Collection[str] | None,
    counts: Mapping[str, int],
    support: Mapping[str, int],
    not_same: DistinctNames,
    fading: Collection[str] = (),
) -> list[VocabularyIssue]:
    """The warnings, by kind. used: names that projects write; None where no version is built, so nothing is unused.

    counts: out-of-vocabulary form -> projects with it. support: tag -> projects with it. fading: tags that the monitor
    sees fade. What a person has called not the same is no near duplicate, nor the nearest.
    """
    gone = frozenset(map(normalize_tag, vocabulary.deprecated))
    names = pa.array(sorted(vocabulary.tags if used is None else used), pa.string())
    found = find_warnings(vocabulary, names, not_same.within(vocabulary))
    return [*(_describe(each, counts, support, gone) for each in found), *_describe_fading(fading, vocabulary)]


def _describe(
    each: LintWarning, counts: Mapping[str, int], support: Mapping[str, int], gone: Collection[str]
) -> VocabularyIssue:
    if each.kind == LintKind.UNKNOWN_PARENT:
        what, fix = _say_unknown_parent(each, counts, is_deprecated=normalize_tag(each.value) in gone)
    elif each.kind == LintKind.PARENT_IS_ALIAS:
        what, fix = _say_alias(each)
    elif each.kind == LintKind.NEAR_DUPLICATE:
        what, fix = _say_near_duplicate(each, support)
    else:
        what, fix = _say_never_used(each)
    return VocabularyIssue("warning", str(each.kind), each.tag, each.value, each.nearest, what, fix)


def _say_unknown_parent(each: LintWarning, counts: Mapping[str, int], *, is_deprecated: bool) -> tuple[str, str]:
    remove = f"`tagpipe vocab parent --remove {quote(each.tag, each.value)}`"
    if is_deprecated:
        return f"parent {each.value} of {each.tag} is deprecated", f"Take it away: {remove}"
    n_projects = counts.get(normalize_tag(each.value), 0)
    used = f", and {n_projects} project{'s carry' if n_projects > 1 else ' carries'} it as a tag" if n_projects else ""
    what = f"parent {each.value} of {each.tag} is not in the vocabulary{used}"
    if each.nearest is not None:
        return what, f"Did you mean {each.nearest}? " + command("parent", each.tag, each.nearest, instead_of=each.value)
    return what, f"Add it: {command('add', each.value)}; or take it away: {remove}"


def _say_alias(each: LintWarning) -> tuple[str, str]:
    assert each.nearest is not None
    what = f"parent {each.value} of {each.tag} is an alias of {each.nearest}"
    return what, f"Name the tag: {command('parent', each.tag, each.nearest, instead_of=each.value)}"


def _say_near_duplicate(each: LintWarning, support: Mapping[str, int]) -> tuple[str, str]:
    assert each.nearest is not None
    # The one that more projects have stays.
    gone, kept = sorted((each.tag, each.nearest), key=lambda tag: (support.get(tag, 0), tag))
    merge, apart = command("merge", gone, kept), command("not-same", gone, kept)
    return f"{gone} and {kept} are spelt alike", f"One tag: {merge}; two: {apart}"


def _say_never_used(each: LintWarning) -> tuple[str, str]:
    near = f" (the nearest tag is {each.nearest})" if each.nearest else ""
    return f"{each.tag} is never used{near}", f"Keep it, or {command('deprecate', each.tag)}"


def _describe_fading(fading: Collection[str], vocabulary: Vocabulary) -> Iterator[VocabularyIssue]:
    for tag in sorted(set(fading) & set(vocabulary.tags)):
        fix = f"Look at it: {command('show', tag)}"
        yield VocabularyIssue("warning", FADING, tag, tag, None, f"{tag} is fading", fix)


def command(action: str, *names: str, instead_of: str | None = None) -> str:
    """A command line to copy: what the vocabulary or the public wrote is quoted for a shell."""
    option = "" if instead_of is None else f"--instead-of {shlex.quote(instead_of)} "
    return f"`tagpipe vocab {action} {option}{quote(*names)}`"


def quote(*names: str) -> str:
    """Names as arguments of a shell command; those that look like options come behind `--`."""
    return shlex.join(as_arguments(*names))

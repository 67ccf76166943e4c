"""Everything that is wrong or suspicious about a vocabulary, each finding with a way to mend it."""

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
    """One finding."""

    level: Literal["error", "warning"]
    kind: str
    """A ProblemKind of an error; a LintKind or FADING of a warning."""
    tag: str | None
    """The tag that the finding is about; None for an error of the whole file."""
    value: str | None
    """The alias, parent, replacement or tag that is wrong; None for an error of the whole file."""
    nearest: str | None
    """The existing tag that was probably meant; None if no tag is near."""
    what: str
    """The finding in words."""
    fix: str
    """What would mend it, in words."""


def list_errors(entries: Sequence[Entry], *, file: str) -> list[VocabularyIssue]:
    """Everything that keeps the entries from being a vocabulary.

    Each fix is an edit of the file by hand, because the commands refuse to edit a vocabulary with errors.
    """
    vocabulary = resolve_entries(entries)
    names = resolve_names(vocabulary)
    issues = []
    for problem in find_problems(entries):
        nearest = _find_replacement(problem, entries, vocabulary, names) if problem.kind in _BAD_REPLACEMENTS else None
        kind, fix = str(problem.kind), _describe_fix(problem, nearest, file)
        issues.append(VocabularyIssue("error", kind, problem.tag, problem.value, nearest, problem.what, fix))
    return issues


def _find_replacement(
    problem: Problem, entries: Sequence[Entry], vocabulary: Vocabulary, names: Mapping[str, int]
) -> str | None:
    """The tag that a bad replacement was meant to name: the one that has the name, else the most similar one."""
    wanted = problem.value or ""
    if problem.kind == ProblemKind.REPLACEMENT_DEPRECATED:
        wanted = next((entry.replaced_by for entry in entries if entry.tag == wanted), None) or ""
        index = names.get(normalize_tag(wanted))
        return None if index is None else vocabulary.tags[index]
    index = names.get(normalize_tag(wanted))
    return find_nearest(wanted, vocabulary) if index is None else vocabulary.tags[index]


def _describe_fix(problem: Problem, nearest: str | None, file: str) -> str:
    tag, value, others = escape_shown(problem.tag), escape_shown(problem.value), list(map(escape_shown, problem.others))
    match problem.kind:
        case ProblemKind.NO_ENTRY | ProblemKind.ALL_DEPRECATED:
            return f"No project would have a tag; restore {file} from git"
        case ProblemKind.TAG_REPEATED:
            which = f"the {len(others)} entries of {tag}" if len(set(others)) == 1 else " and ".join(others)
            return f"Remove all but one of {which} in {file}"
        case ProblemKind.ALIAS_IS_TAG if problem.others == (problem.tag,):
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
    """The warnings, by kind.

    used: names that projects write; None if no version is built, and then no tag counts as unused. counts:
    out-of-vocabulary form -> projects with it. support: tag -> projects with it. not_same: names that are neither
    reported as near duplicates nor suggested for each other. fading: tags that the monitor reports as fading.
    """
    deprecated = frozenset(map(normalize_tag, vocabulary.deprecated))
    names = pa.array(sorted(vocabulary.tags if used is None else used), pa.string())
    warnings = find_warnings(vocabulary, names, not_same.within(vocabulary))
    return [
        *(_describe(warning, counts, support, deprecated) for warning in warnings),
        *_describe_fading(fading, vocabulary),
    ]


def _describe(
    warning: LintWarning, counts: Mapping[str, int], support: Mapping[str, int], deprecated: Collection[str]
) -> VocabularyIssue:
    if warning.kind == LintKind.UNKNOWN_PARENT:
        what, fix = _describe_unknown_parent(warning, counts, is_deprecated=normalize_tag(warning.value) in deprecated)
    elif warning.kind == LintKind.PARENT_IS_ALIAS:
        what, fix = _describe_alias_parent(warning)
    elif warning.kind == LintKind.NEAR_DUPLICATE:
        what, fix = _describe_near_duplicate(warning, support)
    else:
        what, fix = _describe_never_used(warning)
    return VocabularyIssue("warning", str(warning.kind), warning.tag, warning.value, warning.nearest, what, fix)


def _describe_unknown_parent(
    warning: LintWarning, counts: Mapping[str, int], *, is_deprecated: bool
) -> tuple[str, str]:
    remove = f"`tagpipe vocab parent --remove {quote(warning.tag, warning.value)}`"
    if is_deprecated:
        return f"parent {warning.value} of {warning.tag} is deprecated", f"Take it away: {remove}"
    n_projects = counts.get(normalize_tag(warning.value), 0)
    used = f", and {n_projects} project{'s carry' if n_projects > 1 else ' carries'} it as a tag" if n_projects else ""
    what = f"parent {warning.value} of {warning.tag} is not in the vocabulary{used}"
    if warning.nearest is not None:
        return what, f"Did you mean {warning.nearest}? " + command(
            "parent", warning.tag, warning.nearest, instead_of=warning.value
        )
    return what, f"Add it: {command('add', warning.value)}; or take it away: {remove}"


def _describe_alias_parent(warning: LintWarning) -> tuple[str, str]:
    assert warning.nearest is not None  # the tag that the alias means
    what = f"parent {warning.value} of {warning.tag} is an alias of {warning.nearest}"
    return what, f"Name the tag: {command('parent', warning.tag, warning.nearest, instead_of=warning.value)}"


def _describe_near_duplicate(warning: LintWarning, support: Mapping[str, int]) -> tuple[str, str]:
    assert warning.nearest is not None  # find_near_duplicates gives pairs
    # The merge keeps the tag that more projects have.
    gone, kept = sorted((warning.tag, warning.nearest), key=lambda tag: (support.get(tag, 0), tag))
    merge, keep_both = command("merge", gone, kept), command("not-same", gone, kept)
    return f"{gone} and {kept} are spelt alike", f"One tag: {merge}; two: {keep_both}"


def _describe_never_used(warning: LintWarning) -> tuple[str, str]:
    near = f" (the nearest tag is {warning.nearest})" if warning.nearest else ""
    return f"{warning.tag} is never used{near}", f"Keep it, or {command('deprecate', warning.tag)}"


def _describe_fading(fading: Collection[str], vocabulary: Vocabulary) -> Iterator[VocabularyIssue]:
    for tag in sorted(set(fading) & set(vocabulary.tags)):
        fix = f"Look at it: {command('show', tag)}"
        yield VocabularyIssue("warning", FADING, tag, tag, None, f"{tag} is fading", fix)


def command(action: str, *names: str, instead_of: str | None = None) -> str:
    """A command line to copy and run. Names may come from the public, so they are quoted for a shell."""
    option = "" if instead_of is None else f"--instead-of {shlex.quote(instead_of)} "
    return f"`tagpipe vocab {action} {option}{quote(*names)}`"


def quote(*names: str) -> str:
    """Names as arguments of a shell command, behind `--` if one of them looks like an option."""
    return shlex.join(as_arguments(*names))

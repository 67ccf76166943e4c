"""Everything that is wrong or suspicious about a vocabulary, each finding with a way to fix it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
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
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_tag

FADING = "fading"


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
    issues = []
    for problem in find_problems(entries):
        nearest = _find_replacement(problem, entries, vocabulary)
        kind, fix = str(problem.kind), _describe_fix(problem, nearest, file)
        issues.append(VocabularyIssue("error", kind, problem.tag, problem.value, nearest, problem.what, fix))
    return issues


def _find_replacement(problem: Problem, entries: Sequence[Entry], vocabulary: Vocabulary) -> str | None:
    """The tag that a bad replacement was meant to name: the one that has the name, else the most similar one."""
    named = problem.value or ""
    if problem.kind == ProblemKind.REPLACEMENT_UNKNOWN:
        return resolve_tag(vocabulary, named) or find_nearest(named, vocabulary)
    if problem.kind == ProblemKind.REPLACEMENT_DEPRECATED:
        named = next((entry.replaced_by for entry in entries if entry.tag == named), None) or ""
        return resolve_tag(vocabulary, named)
    return None


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
    # If nothing is known of what is used, every tag counts as used.
    names = pa.array(sorted(vocabulary.tags if used is None else used), pa.string())
    warnings = find_warnings(vocabulary, names, not_same.within(vocabulary))
    issues = [_describe(warning, counts, support, deprecated) for warning in warnings]
    for tag in sorted(set(fading) & set(vocabulary.tags)):
        fix = f"Look at it: {command('show', tag)}"
        issues.append(VocabularyIssue("warning", FADING, tag, tag, None, f"{tag} is fading", fix))
    return issues


def _describe(
    warning: LintWarning, counts: Mapping[str, int], support: Mapping[str, int], deprecated: Collection[str]
) -> VocabularyIssue:
    tag, value, nearest = warning.tag, warning.value, warning.nearest
    if warning.kind == LintKind.NEVER_USED:
        what = f"{tag} is never used" + (f" (the nearest tag is {nearest})" if nearest else "")
        fix = f"Keep it, or {command('deprecate', tag)}"
    elif warning.kind == LintKind.PARENT_IS_ALIAS and nearest:
        what = f"parent {value} of {tag} is an alias of {nearest}"
        fix = f"Name the tag: {command('parent', tag, nearest, instead_of=value)}"
    elif warning.kind == LintKind.NEAR_DUPLICATE and nearest:
        # The merge keeps the tag that more projects have.
        gone, kept = sorted((tag, nearest), key=lambda name: (support.get(name, 0), name))
        what = f"{gone} and {kept} are spelt alike"
        fix = f"One tag: {command('merge', gone, kept)}; two: {command('not-same', gone, kept)}"
    else:
        is_deprecated = normalize_tag(value) in deprecated
        what, fix = _describe_unknown_parent(warning, counts, is_deprecated=is_deprecated)
    return VocabularyIssue("warning", str(warning.kind), tag, value, nearest, what, fix)


def _describe_unknown_parent(
    warning: LintWarning, counts: Mapping[str, int], *, is_deprecated: bool
) -> tuple[str, str]:
    tag, value = warning.tag, warning.value
    remove = f"`tagpipe vocab parent --remove {quote(tag, value)}`"
    if is_deprecated:
        return f"parent {value} of {tag} is deprecated", f"Take it away: {remove}"
    n_projects = counts.get(normalize_tag(value), 0)
    used = f", and {n_projects} project{'s carry' if n_projects > 1 else ' carries'} it as a tag" if n_projects else ""
    what = f"parent {value} of {tag} is not in the vocabulary{used}"
    if warning.nearest is not None:
        replace = command("parent", tag, warning.nearest, instead_of=value)
        return what, f"Did you mean {warning.nearest}? {replace}"
    return what, f"Add it: {command('add', value)}; or take it away: {remove}"


def command(action: str, *names: str, instead_of: str | None = None) -> str:
    """A command line to copy and run. Names may come from the public, so they are quoted for a shell."""
    option = "" if instead_of is None else f"--instead-of {shlex.quote(instead_of)} "
    return f"`tagpipe vocab {action} {option}{quote(*names)}`"


def quote(*names: str) -> str:
    """Names as arguments of a shell command, after `--` if one of them looks like an option."""
    return shlex.join(as_arguments(*names))

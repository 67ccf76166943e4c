"""Problems that keep the entries of a file from making a vocabulary, and the vocabulary that sound entries make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tagpipe.errors import InputError, escape_shown
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_parents


class ProblemKind(StrEnum):
    """A way in which entries do not make a vocabulary."""

    NO_ENTRY = "no_entry"
    ALL_DEPRECATED = "all_deprecated"
    TAG_REPEATED = "tag_repeated"
    ALIAS_IS_TAG = "alias_is_tag"
    ALIAS_OF_SEVERAL = "alias_of_several"
    OWN_PARENT = "own_parent"
    REPLACED_BUT_LIVE = "replaced_but_live"
    REPLACEMENT_UNKNOWN = "replacement_unknown"
    REPLACEMENT_DEPRECATED = "replacement_deprecated"
    PARENT_CYCLE = "parent_cycle"


@dataclass(frozen=True)
class Problem:
    """Something that keeps entries from making a vocabulary."""

    kind: ProblemKind
    tag: str | None
    """The tag that has the problem; None if the vocabulary as a whole has it."""
    value: str | None
    """The alias, parent or replacement in question."""
    what: str
    """The problem in words."""
    others: tuple[str, ...] = ()
    """Every tag involved: the repeated tags, the tags that claim the alias, the tag that the alias is, or the cycle
    from its first tag back to it."""


def read_vocabulary(data: bytes, suffix: str, *, file: str) -> Vocabulary:
    """The vocabulary of received bytes, in one of the forms of `entries.read_entries`.

    Raises InputError as `read_entries` and `vocabulary_of` do.
    """
    return vocabulary_of(read_entries(data, suffix, file=file), file=file)


def vocabulary_of(entries: Sequence[Entry], *, file: str) -> Vocabulary:
    """The vocabulary that the entries of a file make.

    Raises InputError with all problems: an alias that is claimed twice or is itself a tag, a tag that is its own parent
    or is given twice, a replacement that is not a tag, no tags at all. Cycles are named only if nothing else is wrong.
    """
    if problems := find_problems(entries):
        raise _refuse(problems, file)
    return resolve_entries(entries)


def _refuse(problems: Sequence[Problem], file: str) -> InputError:
    """The error for the first problem and all that are reported together with it."""
    kind, what = problems[0].kind, problems[0].what
    is_cycle = kind == ProblemKind.PARENT_CYCLE
    reported = [problem.what for problem in problems if (problem.kind == ProblemKind.PARENT_CYCLE) == is_cycle]
    details = tuple(reported) if len(reported) > 1 else ()
    match kind:
        case ProblemKind.NO_ENTRY:
            fix = "An empty vocabulary would drop every project; restore it from git"
            return InputError(what, file=file, expected="at least one tag", fix=fix)
        case ProblemKind.ALL_DEPRECATED:
            fix = "A vocabulary without tags would drop every project; restore it from git"
            return InputError(what, file=file, expected="at least one tag that is not", fix=fix)
        case ProblemKind.PARENT_CYCLE:
            fix = "Remove one of these parents"
            return InputError(what, file=file, field="parents", fix=fix, details=details)
    what = f"{len(reported)} error{'s' if details else ''} in the vocabulary: {what}"
    return InputError(what, file=file, field="tag", fix="Correct the vocabulary", details=details)


def resolve_entries(entries: Sequence[Entry]) -> Vocabulary:
    """The vocabulary that the entries mean, even if they have problems; of a repeated tag, the first entry counts."""
    first = {entry.tag: entry for entry in reversed(entries)}
    live = [entry for _, entry in sorted(first.items()) if not entry.deprecated]
    deprecated = [entry for entry in entries if entry.deprecated]
    aliases = {entry.tag: {*entry.aliases} for entry in live}
    names_without_tag: set[str] = set()
    for entry in deprecated:
        names = aliases.get(entry.replaced_by, set()) if entry.replaced_by is not None else names_without_tag
        names.update((entry.tag, *entry.aliases))
    return Vocabulary(
        tuple(entry.tag for entry in live),
        tuple(tuple(sorted(aliases[entry.tag])) for entry in live),
        tuple(tuple(sorted({*entry.parents})) for entry in live),
        tuple(sorted(names_without_tag)),
    )


def find_problems(entries: Sequence[Entry]) -> list[Problem]:
    """All problems, by kind; cycles of parents come last, and no two of them share a tag."""
    if not entries:
        return [Problem(ProblemKind.NO_ENTRY, None, None, "the vocabulary is empty")]
    problems = [*_find_repeats(entries), *_find_clashes(entries), *_find_bad_replacements(entries)]
    if not problems and all(entry.deprecated for entry in entries):
        return [Problem(ProblemKind.ALL_DEPRECATED, None, None, "every tag of the vocabulary is deprecated")]
    # A tag among its own parents is reported already; as a cycle it would be reported twice.
    others = [replace(entry, parents=tuple(set(entry.parents) - set(_find_own(entry)))) for entry in entries]
    for cycle in find_cycles(resolve_entries(others)):
        what = f"parents form a cycle: {' -> '.join(map(escape_shown, cycle))}"
        problems.append(Problem(ProblemKind.PARENT_CYCLE, cycle[0], cycle[1], what, tuple(cycle)))
    return problems


def _find_own(entry: Entry) -> list[str]:
    """The parents of the entry that mean the entry itself."""
    form = normalize_tag(entry.tag)
    return [parent for parent in entry.parents if normalize_tag(parent) == form]


def _find_repeats(entries: Sequence[Entry]) -> list[Problem]:
    """Tags given twice, or whose normal forms are the same (a use of that form could mean either)."""
    by_form: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_form[normalize_tag(entry.tag)].append(entry.tag)
    problems = []
    for tags in by_form.values():
        if len(tags) > 1:
            first, second, *_ = tags
            also = f" (also as {escape_shown(second)}, which is the same when compared)" if first != second else ""
            what = f"tag {escape_shown(first)} is given twice{also}"
            problems.append(Problem(ProblemKind.TAG_REPEATED, first, second, what, tuple(tags)))
    return problems


def _find_clashes(entries: Sequence[Entry]) -> list[Problem]:
    """Aliases that could mean two tags, and tags that are their own parent."""
    entry_of = {normalize_tag(entry.tag): entry for entry in entries}
    claims: dict[str, list[str]] = defaultdict(list)
    problems = []
    for entry in entries:
        tag = entry.tag
        for alias in entry.aliases:
            owner = entry_of.get(normalize_tag(alias))
            if owner is not None and (owner.tag != tag or alias == tag):
                kind = "deprecated" if owner.deprecated else "canonical"
                what = f"alias {escape_shown(alias)} of {escape_shown(tag)} is itself a {kind} tag"
                problems.append(Problem(ProblemKind.ALIAS_IS_TAG, tag, alias, what, (owner.tag,)))
            elif tag not in claims[normalize_tag(alias)]:
                claims[normalize_tag(alias)].append(tag)
        if own := _find_own(entry):
            what = f"tag {escape_shown(tag)} is its own parent"
            problems.append(Problem(ProblemKind.OWN_PARENT, tag, own[0], what))
    for alias, tags in claims.items():
        if len(tags) > 1:
            what = f"alias {escape_shown(alias)} is claimed by {' and '.join(map(escape_shown, tags))}"
            problems.append(Problem(ProblemKind.ALIAS_OF_SEVERAL, tags[0], alias, what, tuple(tags)))
    return problems


def _find_bad_replacements(entries: Sequence[Entry]) -> list[Problem]:
    """Replacements that are unknown or deprecated themselves, and those of tags that are not deprecated."""
    entry_of = {entry.tag: entry for entry in entries}
    problems = []
    for entry in entries:
        if entry.replaced_by is None:
            continue
        tag, by = escape_shown(entry.tag), escape_shown(entry.replaced_by)
        replacement = entry_of.get(entry.replaced_by)
        if not entry.deprecated:
            kind, what = ProblemKind.REPLACED_BUT_LIVE, f"tag {tag} is replaced by {by}, but not deprecated"
        elif replacement is None:
            kind = ProblemKind.REPLACEMENT_UNKNOWN
            what = f"deprecated tag {tag} is replaced by {by}, which is not a tag (an alias does not count)"
        elif replacement.deprecated:
            kind = ProblemKind.REPLACEMENT_DEPRECATED
            what = f"deprecated tag {tag} is replaced by {by}, which is deprecated itself"
        else:
            continue
        problems.append(Problem(kind, entry.tag, entry.replaced_by, what))
    return problems


def find_cycles(vocabulary: Vocabulary) -> list[list[str]]:
    """Cycles of parents, from child to parent and back to the child; no two share a tag.

    Only one of several crossing cycles is returned. The others appear once its parents are corrected.
    """
    # One search upwards from each tag in turn. graphlib names one cycle a search: 1,000 cycles took it 7 s.
    parents = resolve_parents(vocabulary)
    done = [False] * len(parents)
    on_cycle: set[int] = set()
    cycles = []
    for start in range(len(parents)):
        path: dict[int, int] = {}  # tag -> its position
        stack = [] if done[start] else [(start, iter(parents[start]))]
        while stack:
            tag, rest = stack[-1]
            path.setdefault(tag, len(path))
            parent = next(rest, None)
            if parent is None:
                stack.pop()
                done[tag] = True
                del path[tag]
            elif parent in path:
                cycle = list(path)[path[parent] :]
                if on_cycle.isdisjoint(cycle):
                    on_cycle.update(cycle)
                    cycles.append([vocabulary.tags[index] for index in (*cycle, parent)])
            elif not done[parent]:
                stack.append((parent, iter(parents[parent])))
    return cycles

"""What the version last built says of the present vocabulary: findings, suggestions, one tag, the tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.curation.check import VocabularyIssue, list_errors, list_warnings
from tagpipe.curation.log import LogLine
from tagpipe.curation.suggestions import Suggestion, suggest_aliases
from tagpipe.curation.tag_profile import TagView, describe_tag
from tagpipe.curation.tree import TreeRow, draw_tree
from tagpipe.errors import InputError, escape_shown
from tagpipe.history.versions import HistoryRow, has_seen, trace_tag
from tagpipe.io.repository.curation_files import read_not_same
from tagpipe.io.repository.layout import Layout
from tagpipe.io.versions.history import find_versions
from tagpipe.io.versions.usage import Usage, find_usage, read_usage
from tagpipe.io.versions.version import Version
from tagpipe.operations.open_curation import Curation, VocabularyFile, open_curation, read_vocabulary_file
from tagpipe.tables.reports.monitor import Candidate, MonitorReport, NotSuggested
from tagpipe.vocabulary.curation_lists import DistinctNames, Ignored, find_ignored
from tagpipe.vocabulary.lint import find_near_duplicates
from tagpipe.vocabulary.nearest import find_nearest
from tagpipe.vocabulary.problems import resolve_entries
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, normalize_tags, resolve_names

_LEDGER = "annotate/tag_uses"
_MAX_VERSIONS = 50
_SAMPLE_CHARS = 80
_OPTION = re.compile(r"--[a-z-]+=(.*)", re.DOTALL)


def check_vocabulary(root: Path) -> tuple[list[VocabularyIssue], bool]:
    """(every issue, True if a version is built, which tells what is used). Raises InputError for an unreadable file."""
    file = read_vocabulary_file(root)
    usage = find_usage(file.layout)
    errors = list_errors(file.entries, file=_shown_name(file))
    warnings = list_warnings(
        resolve_entries(file.entries),
        used=usage.names if usage else None,
        counts=usage.counts if usage else {},
        support=usage.support if usage else {},
        not_same=read_not_same(file.layout),
        fading=_find_fading(file.layout),
    )
    return errors + warnings, usage is not None


def _shown_name(file: VocabularyFile) -> str:
    """Its path in the dataset repository, or its url."""
    return file.source.url or file.path.relative_to(file.layout.root).as_posix()


def suggest(curation: Curation, usage: Usage) -> list[Suggestion]:
    """Alias suggestions for the forms that the present vocabulary does not have, and nobody ignores."""
    forms = pa.array(usage.counts, pa.string())
    ignored = forms.filter(pa.array(find_ignored(forms, curation.ignored))).to_pylist()
    return suggest_aliases(
        usage.counts, curation.vocabulary, curation.not_same, ignored=frozenset(ignored), normalize=usage.normalize
    )


def find_samples(layout: Layout, forms: Sequence[str], *, n_most: int = 2) -> dict[str, tuple[str, ...]]:
    """Form -> how the texts of the first projects with it begin."""
    version = Version(layout)
    uses = version.read_table(_LEDGER, columns=["project_id", "normalized_tag"])
    uses = uses.filter(pc.is_in(uses.column("normalized_tag"), value_set=pa.array(forms, pa.string())))
    ids: dict[str, list[int | str]] = {}
    for use in uses.to_pylist():
        some = ids.setdefault(use["normalized_tag"], [])
        if len(some) < n_most and use["project_id"] not in some:
            some.append(use["project_id"])
    wanted = sorted({each for some in ids.values() for each in some})
    if not wanted:
        return {}
    texts = version.read_table("annotate/projects", columns=["id", "text"], filters=[("id", "in", wanted)])
    text_of = {row["id"]: row["text"][:_SAMPLE_CHARS] for row in texts.to_pylist()}
    return {form: tuple(text_of[each] for each in some) for form, some in ids.items()}


def view_tag(root: Path, asked: str) -> TagView:
    """All about a tag, alias or raw tag. Raises InputError where neither the vocabulary nor a project has it."""
    curation = open_curation(root)
    usage = read_usage(curation.layout)
    version = Version(curation.layout)
    profile = describe_tag(
        asked,
        curation.vocabulary,
        version.read_table("annotate/projects", columns=["id", "created_on", "tags"]),
        version.read_table(_LEDGER, columns=["project_id", "normalized_tag", "tag", "outcome"]),
        period=curation.file.params.monitor.period,
        min_period_projects=curation.file.params.monitor.min_period_projects,
    )
    if profile.status == "out_of_vocabulary" and not profile.n_projects:
        raise _unknown(asked, curation)
    return TagView(
        profile=profile,
        n_support=usage.support.get(profile.name),
        is_kept=profile.name in usage.kept,
        min_projects=usage.min_projects,
        is_ignored=bool(find_ignored(pa.array([profile.name]), curation.ignored)[0]),
        nearest=None if profile.status == "tag" else _find_nearest(profile.name, curation),
        near=tuple(_find_near(profile.name, curation)),
        suggestions=tuple(each for each in suggest(curation, usage) if profile.name in (each.tag, each.form)),
        versions=() if profile.periods else _trace(root, profile.name),
        log=tuple(line for line in curation.log if is_about(line, (profile.name, *profile.aliases))),
    )


def _unknown(asked: str, curation: Curation) -> InputError:
    nearest = _find_nearest(asked, curation)
    return InputError(
        "neither the vocabulary nor any project has it",
        field="TAG",
        found=escape_shown(asked),
        expected="a tag, an alias or a raw tag" + (f", such as {escape_shown(nearest)}" if nearest else ""),
    )


def _find_nearest(name: str, curation: Curation) -> str | None:
    return find_nearest(name, curation.vocabulary, _distinct_names(curation))


def _find_near(tag: str, curation: Curation) -> list[str]:
    apart = _distinct_names(curation)
    pairs = [pair for pair in find_near_duplicates(curation.vocabulary.tags) if tag in pair]
    return [first if second == tag else second for first, second in pairs if not apart.holds(first, second)]


def _distinct_names(curation: Curation) -> DistinctNames:
    return curation.not_same.within(curation.vocabulary)


def _trace(root: Path, tag: str) -> tuple[HistoryRow, ...]:
    """The tag in the versions of git; nothing where there are none, or none has seen it."""
    versions = find_versions(root, n_most=_MAX_VERSIONS)
    return tuple(trace_tag(versions, tag)) if any(has_seen(version, tag) for version in versions) else ()


def is_about(line: LogLine, names: Iterable[str]) -> bool:
    """True if an edit names one of the tags, be it as the value of an option."""
    wanted = set(map(normalize_tag, names))
    return any(normalize_tag(name) in wanted for name in _list_names(line.arguments))


def _list_names(arguments: Iterable[str]) -> Iterator[str]:
    """Every argument, and the values of those that may be options: all, or those ahead of `--`."""
    may_be_option = True
    for argument in arguments:
        may_be_option = may_be_option and argument != "--"
        if may_be_option and (option := _OPTION.fullmatch(argument)):
            yield option[1]
        yield argument


def leave_out_decided(found: MonitorReport, vocabulary: Vocabulary, ignored: Ignored) -> tuple[MonitorReport, int]:
    """(what the last run found without the candidates that have been decided on since, how many these are).

    Decided on is what the vocabulary has by now, also as a deprecated name, and what is ignored.
    """
    forms = pa.array([each.tag for each in found.candidates], pa.string())
    is_ignored = find_ignored(normalize_tags(forms), ignored).tolist()
    names = {*resolve_names(vocabulary), *map(normalize_tag, vocabulary.deprecated)}
    left = tuple(
        each
        for each, is_out in zip(found.candidates, is_ignored, strict=True)
        # A known name that does not count (`annotate.aliases` off) was known to the run: it stays.
        if not is_out and (normalize_tag(each.tag) not in names or NotSuggested.KNOWN_NAME in each.reasons)
    )
    n_decided = len(found.candidates) - len(left)
    n_suggested = found.n_suggested - _count_suggested(found.candidates) + _count_suggested(left)
    n_left = found.n_candidates - n_decided
    counts = {"n_candidates": n_left, "n_suggested": n_suggested}
    return found.model_copy(update={"candidates": left, **counts}), n_decided


def _count_suggested(candidates: Sequence[Candidate]) -> int:
    return sum(each.suggested for each in candidates)


def view_tree(root: Path, tag: str | None) -> list[TreeRow]:
    """The tree, or what is below a tag (an alias or a raw form will do). Raises InputError for an unknown one."""
    curation = open_curation(root)
    usage = find_usage(curation.layout)
    canonical = None
    if tag is not None:
        index = resolve_names(curation.vocabulary).get(normalize_tag(tag))
        if index is None:
            raise _unknown(tag, curation)
        canonical = curation.vocabulary.tags[index]
    return draw_tree(curation.vocabulary, usage.support if usage else {}, tag=canonical)


def _find_fading(layout: Layout) -> list[str]:
    """The tags that the monitor's report sees fade; none where there is no report."""
    if "monitor" not in layout.stages or not layout.out("monitor", "monitor.json").is_file():
        return []
    return [fading.tag for fading in Version(layout).read_report(MonitorReport).fading]

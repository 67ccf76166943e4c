"""The present vocabulary in the light of the version last built: issues, suggestions, one tag, the tree."""

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
from tagpipe.operations.open_curation import Curation, open_curation, read_vocabulary_file
from tagpipe.tables.reports.monitor import MonitorReport, NotSuggested
from tagpipe.vocabulary.curation_lists import Ignored, find_ignored
from tagpipe.vocabulary.lint import find_near_duplicates
from tagpipe.vocabulary.nearest import find_nearest
from tagpipe.vocabulary.problems import resolve_entries
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, normalize_tags, resolve_names, resolve_tag

_LEDGER = "annotate/tag_uses"
_MAX_VERSIONS = 50
_N_SAMPLES = 2
_SAMPLE_CHARS = 80
_OPTION = re.compile(r"--[a-z-]+=(.*)", re.DOTALL)


def check_vocabulary(root: Path) -> tuple[list[VocabularyIssue], bool]:
    """(every issue, True if a version is built). Without one, nothing is known of what projects use.

    Raises InputError for a file that cannot be read as entries.
    """
    file = read_vocabulary_file(root)
    usage = find_usage(file.layout)
    errors = list_errors(file.entries, file=file.source.url or file.relative_path)
    warnings = list_warnings(
        resolve_entries(file.entries),
        used=usage.names if usage else None,
        counts=usage.counts if usage else {},
        support=usage.support if usage else {},
        not_same=read_not_same(file.layout),
        fading=_find_fading(file.layout),
    )
    return errors + warnings, usage is not None


def suggest(curation: Curation, usage: Usage) -> list[Suggestion]:
    """Alias suggestions for the forms that are neither in the present vocabulary nor ignored."""
    forms = pa.array(usage.counts, pa.string())
    ignored = forms.filter(pa.array(find_ignored(forms, curation.ignored))).to_pylist()
    return suggest_aliases(
        usage.counts, curation.vocabulary, curation.not_same, ignored=frozenset(ignored), normalize=usage.normalize
    )


def find_samples(layout: Layout, forms: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Form -> the beginnings of the texts of the first projects with it."""
    version = Version(layout)
    uses = version.read_table(_LEDGER, columns=["project_id", "normalized_tag"])
    uses = uses.filter(pc.is_in(uses.column("normalized_tag"), value_set=pa.array(forms, pa.string())))
    ids: dict[str, list[int | str]] = {}
    for use in uses.to_pylist():
        of_form = ids.setdefault(use["normalized_tag"], [])
        if len(of_form) < _N_SAMPLES and use["project_id"] not in of_form:
            of_form.append(use["project_id"])
    wanted = sorted(set().union(*ids.values()))
    if not wanted:
        return {}
    texts = version.read_table("annotate/projects", columns=["id", "text"], filters=[("id", "in", wanted)])
    text_of = {row["id"]: row["text"][:_SAMPLE_CHARS] for row in texts.to_pylist()}
    return {form: tuple(map(text_of.__getitem__, of_form)) for form, of_form in ids.items()}


def view_tag(root: Path, asked: str) -> TagView:
    """All that is known of a tag, alias or raw tag. Raises InputError for one that no project and no entry has."""
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
        suggestions=tuple(
            suggestion for suggestion in suggest(curation, usage) if profile.name in (suggestion.tag, suggestion.form)
        ),
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
    return find_nearest(name, curation.vocabulary, curation.not_same.within(curation.vocabulary))


def _find_near(tag: str, curation: Curation) -> list[str]:
    distinct = curation.not_same.within(curation.vocabulary)
    pairs = [pair for pair in find_near_duplicates(curation.vocabulary.tags) if tag in pair]
    return [first if second == tag else second for first, second in pairs if not distinct.holds(first, second)]


def _trace(root: Path, tag: str) -> tuple[HistoryRow, ...]:
    """The tag in the versions of git; empty if no version has seen it."""
    versions = find_versions(root, n_most=_MAX_VERSIONS)
    return tuple(trace_tag(versions, tag)) if any(has_seen(version, tag) for version in versions) else ()


def is_about(line: LogLine, names: Iterable[str]) -> bool:
    """True if an edit names one of the tags, as an argument or as the value of an option."""
    wanted = set(map(normalize_tag, names))
    return any(normalize_tag(name) in wanted for name in _list_names(line.arguments))


def _list_names(arguments: Iterable[str]) -> Iterator[str]:
    """Every argument, and the value of each option. Behind `--` there are no options."""
    may_be_option = True
    for argument in arguments:
        may_be_option = may_be_option and argument != "--"
        if may_be_option and (option := _OPTION.fullmatch(argument)):
            yield option[1]
        yield argument


def drop_decided(report: MonitorReport, vocabulary: Vocabulary, ignored: Ignored) -> tuple[MonitorReport, int]:
    """(the report of the last run without the candidates that have been decided on since, their number).

    A candidate is decided on if the vocabulary has its name by now, even as a deprecated one, or if it is ignored.
    """
    forms = pa.array([candidate.tag for candidate in report.candidates], pa.string())
    is_ignored = find_ignored(normalize_tags(forms), ignored).tolist()
    names = {*resolve_names(vocabulary), *map(normalize_tag, vocabulary.deprecated)}
    left = tuple(
        candidate
        for candidate, is_out in zip(report.candidates, is_ignored, strict=True)
        # A known name that does not count (`annotate.aliases` off) was known to the run: it stays.
        if not is_out and (normalize_tag(candidate.tag) not in names or NotSuggested.KNOWN_NAME in candidate.reasons)
    )
    # The report counts more candidates than it lists, so its counts are reduced.
    n_listed, n_left = (sum(candidate.suggested for candidate in some) for some in (report.candidates, left))
    n_decided = len(report.candidates) - len(left)
    counts = {"n_candidates": report.n_candidates - n_decided, "n_suggested": report.n_suggested - n_listed + n_left}
    return report.model_copy(update={"candidates": left, **counts}), n_decided


def view_tree(root: Path, tag: str | None) -> list[TreeRow]:
    """The tree, or what is below a tag, which any of its names means. Raises InputError for an unknown name."""
    curation = open_curation(root)
    usage = find_usage(curation.layout)
    canonical = None if tag is None else resolve_tag(curation.vocabulary, tag)
    if tag is not None and canonical is None:
        raise _unknown(tag, curation)
    return draw_tree(curation.vocabulary, usage.support if usage else {}, tag=canonical)


def _find_fading(layout: Layout) -> list[str]:
    """The tags that fade according to the monitor's report; none if there is no report."""
    if "monitor" not in layout.stages or not layout.out("monitor", "monitor.json").is_file():
        return []
    return [fading.tag for fading in Version(layout).read_report(MonitorReport).fading]

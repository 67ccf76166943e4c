"""The versions along a history: what each holds, and in a word what made it another than the one before."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagpipe.errors import InputError, escape_shown
from tagpipe.params import SHAPING
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport
from tagpipe.tables.tag_counts import shown_tag


@dataclass(frozen=True)
class RecordedVersion:
    """What git has of one version. committed_at: UTC, ISO 8601. lock: dvc.lock as plain values; validation, threshold:
    the reports; tag_counts: the text of tag_counts.csv."""

    commit: str
    committed_at: str
    subject: str
    lock: Mapping[str, Any]
    validation: ValidationReport
    threshold: ThresholdReport
    tag_counts: str


@dataclass(frozen=True)
class LogRow:
    """One version. entered, left: tags against the version before, ascending. causes: what differs from it of
    projects, vocabulary, parameters and code; `first` where there is none before."""

    commit: str
    committed_at: str
    subject: str
    content_sha256: str
    n_in: int
    n_labeled: int
    n_tags_kept: int
    entered: tuple[str, ...]
    left: tuple[str, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class HistoryRow:
    """A tag in one version. n_projects: with it, before the cut; None where the version has not seen it."""

    commit: str
    committed_at: str
    n_projects: int | None
    is_kept: bool
    min_projects: int


def describe_versions(versions: Sequence[RecordedVersion]) -> list[LogRow]:
    """One row a version, in their order (the oldest first)."""
    rows = []
    for at, version in enumerate(versions):
        before = versions[at - 1] if at else None
        kept, had = _kept_tags(version), _kept_tags(before) if before else frozenset()
        rows.append(
            LogRow(
                commit=version.commit,
                committed_at=version.committed_at,
                subject=version.subject,
                content_sha256=version.threshold.content_sha256,
                n_in=version.threshold.projects.n_in,
                n_labeled=version.threshold.projects.n_labeled,
                n_tags_kept=version.threshold.tags.n_kept,
                entered=tuple(sorted(kept - had)) if before else (),
                left=tuple(sorted(had - kept)),
                causes=find_causes(before, version) if before else ("first",),
            )
        )
    return rows


def find_causes(before: RecordedVersion, version: RecordedVersion) -> tuple[str, ...]:
    """What differs of projects, vocabulary, parameters and code."""
    ours, theirs = (
        {
            "projects": each.validation.sources.get("projects"),
            "vocabulary": each.validation.sources.get("vocabulary"),
            "parameters": [_params_of(stage) for stage in _iter_shaping(each.lock)],
            "code": find_code(each.lock),
        }
        for each in (before, version)
    )
    return tuple(name for name in theirs if ours[name] != theirs[name])


def find_code(lock: Mapping[str, Any]) -> dict[str, str]:
    """Path -> md5 of the code that built a version, from dvc.lock: its modules, or the name of the installed one."""
    return {
        dep["path"]: dep["md5"]
        for stage in _iter_shaping(lock)
        for dep in stage.get("deps", ())
        if dep["path"].startswith("tagpipe/") or dep["path"] == "tagpipe.version"
    }


def _iter_shaping(lock: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The stages that make the dataset; what only watches it is no part of a version."""
    yield from (stage for name, stage in lock["stages"].items() if name in ("fetch", *SHAPING))


def is_lock(tree: object) -> bool:
    """Whether a parsed dvc.lock has what is read of it here."""
    stages = tree.get("stages") if isinstance(tree, dict) else None
    return isinstance(stages, dict) and all(
        isinstance(stage, dict)
        and isinstance(stage.get("params", {}), dict)
        and isinstance(stage.get("params", {}).get("params.yaml", {}), dict)
        and all(isinstance(dep, dict) and "path" in dep and "md5" in dep for dep in stage.get("deps", ()))
        for stage in stages.values()
    )


def _params_of(stage: Mapping[str, Any]) -> Any:
    """The parameters of a stage that shape the dataset; where the bytes come from is no part of it."""
    params = stage.get("params", {}).get("params.yaml", {})
    return {name: value for name, value in params.items() if name != "source"}


def _kept_tags(version: RecordedVersion) -> frozenset[str]:
    return frozenset(tag for tag, _ in version.threshold.tags.kept)


def trace_tag(versions: Sequence[RecordedVersion], tag: str) -> list[HistoryRow]:
    """The support of a tag in each version, in their order. Raises InputError if none has seen it."""
    found = []
    every = [_read_counts(version) for version in versions]
    if not any(shown_tag(tag) in counts for counts in every):
        nearest = difflib.get_close_matches(shown_tag(tag), every[-1], n=1) if every else []
        raise InputError(
            f"none of {len(every)} versions has seen this tag",
            field="TAG",
            found=escape_shown(tag),
            expected=f"a tag of the vocabulary, such as {escape_shown(nearest[0])}" if nearest else None,
            fix="Name a canonical tag; aliases are counted under it",
        )
    for version, counts in zip(versions, every, strict=True):
        row = counts.get(shown_tag(tag))
        found.append(
            HistoryRow(
                commit=version.commit,
                committed_at=version.committed_at,
                n_projects=int(row["n_projects"]) if row else None,
                is_kept=row is not None and row["kept"] == "true",
                min_projects=version.threshold.min_projects,
            )
        )
    return found


def has_seen(version: RecordedVersion, tag: str) -> bool:
    """Whether the vocabulary of a version has the tag."""
    return shown_tag(tag) in _read_counts(version)


def _read_counts(version: RecordedVersion) -> dict[str, dict[str, str]]:
    return {row["tag"]: row for row in csv.DictReader(io.StringIO(version.tag_counts, newline=""))}

"""Everything that a version holds about one tag: its names, support, development over time, and companions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.curation.log import LogLine
from tagpipe.curation.suggestions import Suggestion
from tagpipe.curation.tree import find_children
from tagpipe.history.versions import HistoryRow
from tagpipe.tables.periods import UNDATED, PeriodKind, find_days, make_periods
from tagpipe.tables.schemas import Outcome
from tagpipe.tables.tag_lists import Int64s, tag_lists_of
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

MAX_TOGETHER = 10
Status = Literal["tag", "out_of_vocabulary", "deprecated"]


@dataclass(frozen=True)
class NameCount:
    """A name of a tag, and how many projects write it."""

    name: str
    """In normal form."""
    n_projects: int


@dataclass(frozen=True)
class PeriodCount:
    """How many projects of a period have the tag."""

    period: str
    """Its name, as `tables.periods` gives it."""
    n_projects: int
    n_in_period: int
    """All projects of the period."""


@dataclass(frozen=True)
class Together:
    """Another tag on the same projects."""

    tag: str
    n_projects: int
    lift: float
    """How many times more often the two occur together than they would by chance."""


@dataclass(frozen=True)
class Profile:
    """What a version holds about one tag."""

    name: str
    """The canonical tag; for a name outside the vocabulary, its normal form."""
    status: Status
    aliases: tuple[str, ...]
    parents: tuple[str, ...]
    children: tuple[str, ...]
    n_projects: int
    """Projects that write the tag, under any of its names, or have it implied."""
    n_all: int
    """All projects of the version."""
    n_by_name: tuple[NameCount, ...]
    """Every name in use, the most frequent first."""
    periods: tuple[PeriodCount, ...]
    """The oldest first; empty if no project has a date."""
    together: tuple[Together, ...]
    """At most MAX_TOGETHER, the most frequent first."""


@dataclass(frozen=True)
class TagView:
    """All that is known of one tag: its profile, and what the rest of the dataset repository says about it."""

    profile: Profile
    n_support: int | None
    """In the version last built; None if that version has no such tag."""
    is_kept: bool
    """True if the tag passed the cut of the version last built."""
    min_projects: int
    """The cut of the version last built."""
    is_ignored: bool
    nearest: str | None
    """The tag that a name outside the vocabulary is most like; None for a tag, or if no tag is near."""
    near: tuple[str, ...]
    """Tags that are spelt alike, without those that a person has called not the same."""
    suggestions: tuple[Suggestion, ...]
    """Forms that may be another spelling of the tag; for a form outside the vocabulary, the tag that it may be."""
    versions: tuple[HistoryRow, ...]
    """Its support in the versions of git; empty if projects have dates, since `Profile.periods` then shows it."""
    log: tuple[LogLine, ...]
    """The edits that name the tag, the oldest first."""


def describe_tag(
    asked: str,
    vocabulary: Vocabulary,
    projects: pa.Table,
    uses: pa.Table,
    *,
    period: PeriodKind,
    min_period_projects: int,
) -> Profile:
    """The profile of the tag, alias or raw tag `asked`.

    projects: id, created_on and tags of annotate/projects. uses: project_id, normalized_tag, tag and outcome of the
    ledger. The names are those of `vocabulary`, which may be newer than the tables. period, min_period_projects: as
    in `tables.periods.make_periods`.
    """
    index = resolve_names(vocabulary).get(normalize_tag(asked))
    name = normalize_tag(asked) if index is None else vocabulary.tags[index]
    aliases, parents = ((), ()) if index is None else (vocabulary.aliases[index], vocabulary.parents[index])
    tag_uses = _find_uses(uses, [name, *aliases])
    rows = np.flatnonzero(pc.is_in(projects.column("id"), value_set=pc.unique(tag_uses.column("project_id"))))
    return Profile(
        name=name,
        status=_status_of(name, index, vocabulary),
        aliases=aliases,
        parents=parents,
        children=find_children(vocabulary).get(name, ()),
        n_projects=len(rows),
        n_all=projects.num_rows,
        n_by_name=_count_names(tag_uses),
        periods=_count_periods(projects.column("created_on"), rows, period, min_projects=min_period_projects),
        together=_find_together(projects.column("tags"), rows, leave_out={name, *aliases}),
    )


def _status_of(name: str, index: int | None, vocabulary: Vocabulary) -> Status:
    if index is not None:
        return "tag"
    return "deprecated" if name in map(normalize_tag, vocabulary.deprecated) else "out_of_vocabulary"


def _find_uses(uses: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows of the ledger that write one of the names, or have the first of them implied."""
    forms = pa.array(sorted({*names, *map(normalize_tag, names)}), pa.string())
    wrote = pc.is_in(uses.column("normalized_tag"), value_set=forms)
    implied = pc.and_(pc.equal(uses.column("outcome"), Outcome.IMPLIED), pc.equal(uses.column("tag"), names[0]))
    return uses.filter(pc.or_(wrote, pc.fill_null(implied, False)))


def _count_names(uses: pa.Table) -> tuple[NameCount, ...]:
    written = uses.filter(pc.is_valid(uses.column("normalized_tag")))
    names = written.column("normalized_tag").cast(pa.string())
    table = pa.table({"name": names, "id": written.column("project_id")})
    # A project may write a name twice: count its ids, not its rows.
    groups = table.group_by("name", use_threads=False).aggregate([("id", "count_distinct")])
    counts = map(NameCount, groups.column("name").to_pylist(), groups.column("id_count_distinct").to_pylist())
    return tuple(sorted(counts, key=lambda count: (-count.n_projects, count.name)))


def _count_periods(
    created_on: pa.ChunkedArray, rows: Int64s, kind: PeriodKind, *, min_projects: int
) -> tuple[PeriodCount, ...]:
    """The projects of `rows` in each period of `tables.periods`, the oldest first. Undated ones do not count."""
    days = find_days(created_on)
    periods = make_periods(days, kind, min_projects=min_projects)
    tag_days = days[rows]
    counts = np.bincount(periods.find(tag_days[tag_days != UNDATED].astype(np.int64)), minlength=len(periods))
    return tuple(map(PeriodCount, periods.names, counts.tolist(), periods.sizes.tolist()))


def _find_together(tags: pa.ChunkedArray, rows: Int64s, *, leave_out: Collection[str]) -> tuple[Together, ...]:
    """The MAX_TOGETHER most frequent tags on the projects of `rows`, with their lift; none of `leave_out`."""
    lists = tag_lists_of(tags)
    n_overall = np.bincount(lists.codes, minlength=len(lists.values))
    n_together = np.bincount(lists.take(rows).codes, minlength=len(lists.values))
    names = lists.values.to_pylist()
    companions = []
    for code in np.flatnonzero(n_together).tolist():
        if names[code] not in leave_out:
            # The tag's share of the rows over its share of all projects.
            lift = n_together[code] * lists.n_rows / (len(rows) * n_overall[code])
            companions.append(Together(names[code], int(n_together[code]), round(lift, 2)))
    return tuple(sorted(companions, key=lambda tag: (-tag.n_projects, -tag.lift, tag.tag))[:MAX_TOGETHER])

"""Everything that a version knows of one tag: its names, support, course over time, and what it goes with."""

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
    """A name (normal form) of a tag and the projects that write it."""

    name: str
    n_projects: int


@dataclass(frozen=True)
class PeriodCount:
    """A period, by name (`core.periods`): projects with the tag in it, and all in it."""

    period: str
    n_projects: int
    n_in_period: int


@dataclass(frozen=True)
class Together:
    """Another tag on the same projects. lift: how many times as often as by chance."""

    tag: str
    n_projects: int
    lift: float


@dataclass(frozen=True)
class Profile:
    """What a version knows of `name`: its normal form, or the canonical tag that it resolves to.

    n_projects: that write it, under any of its names, or have it implied. n_all: projects in all. n_by_name: every
    name in use, by projects. periods: empty where no project has a date. together: the most frequent, by projects.
    """

    name: str
    status: Status
    aliases: tuple[str, ...]
    parents: tuple[str, ...]
    children: tuple[str, ...]
    n_projects: int
    n_all: int
    n_by_name: tuple[NameCount, ...]
    periods: tuple[PeriodCount, ...]
    together: tuple[Together, ...]


@dataclass(frozen=True)
class TagView:
    """All that is known of one tag: its profile, and what the project says of it besides.

    n_support, is_kept, min_projects: of the version last built; n_support is None for what is no tag there. versions:
    its support in the versions of git, where no project has a date. near: tags that are spelt alike, but those that a
    person has told apart. suggestions: forms that may be it, or what an out-of-vocabulary form may be. log: the edits
    that name it.
    """

    profile: Profile
    n_support: int | None
    is_kept: bool
    min_projects: int
    is_ignored: bool
    nearest: str | None
    near: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    versions: tuple[HistoryRow, ...]
    log: tuple[LogLine, ...]


def describe_tag(
    asked: str,
    vocabulary: Vocabulary,
    projects: pa.Table,
    uses: pa.Table,
    *,
    period: PeriodKind,
    min_period_projects: int,
) -> Profile:
    """The profile of a tag, alias or raw tag. projects: id, created_on, tags (`schemas.labeled_projects`, annotated).

    uses: project_id, normalized_tag, tag, outcome of the ledger. The names are those of `vocabulary`, which may be
    newer than the tables. period, min_period_projects: as `core.periods` has them.
    """
    index = resolve_names(vocabulary).get(normalize_tag(asked))
    name = normalize_tag(asked) if index is None else vocabulary.tags[index]
    aliases, parents = ((), ()) if index is None else (vocabulary.aliases[index], vocabulary.parents[index])
    mine = _find_uses(uses, [name, *aliases])
    rows = _find_rows(projects, mine)
    return Profile(
        name=name,
        status=_status_of(name, index, vocabulary),
        aliases=aliases,
        parents=parents,
        children=find_children(vocabulary).get(name, ()),
        n_projects=len(rows),
        n_all=projects.num_rows,
        n_by_name=_count_names(mine),
        periods=count_periods(projects.column("created_on"), rows, period, min_projects=min_period_projects),
        together=find_together(projects.column("tags"), rows, leave_out={name, *aliases}),
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


def _find_rows(projects: pa.Table, uses: pa.Table) -> Int64s:
    """The rows of the projects that the uses are on, ascending."""
    ids = pc.unique(uses.column("project_id"))
    return np.flatnonzero(pc.is_in(projects.column("id"), value_set=ids))


def _count_names(uses: pa.Table) -> tuple[NameCount, ...]:
    written = uses.filter(pc.is_valid(uses.column("normalized_tag")))
    names = written.column("normalized_tag").cast(pa.string())
    each = pa.table({"name": names, "id": written.column("project_id")})
    found = each.group_by("name", use_threads=False).aggregate([("id", "count_distinct")]).to_pylist()
    counts = (NameCount(row["name"], row["id_count_distinct"]) for row in found)
    return tuple(sorted(counts, key=lambda each: (-each.n_projects, each.name)))


def count_periods(
    created_on: pa.ChunkedArray, rows: Int64s, kind: PeriodKind, *, min_projects: int
) -> tuple[PeriodCount, ...]:
    """The projects of `rows` in each period (`core.periods`), the oldest first."""
    days = find_days(created_on)
    periods = make_periods(days, kind, min_projects=min_projects)
    mine = days[rows]
    found = np.bincount(periods.find(mine[mine != UNDATED].astype(np.int64)), minlength=len(periods))
    return tuple(map(PeriodCount, periods.names, found.tolist(), periods.sizes.tolist()))


def find_together(tags: pa.ChunkedArray, rows: Int64s, *, leave_out: Collection[str]) -> tuple[Together, ...]:
    """The tags that stand most often on the projects of `rows`, with their lift; without those of `leave_out`."""
    lists = tag_lists_of(tags)
    of_all = np.bincount(lists.codes, minlength=len(lists.values))
    of_some = np.bincount(lists.take(rows).codes, minlength=len(lists.values))
    names = lists.values.to_pylist()
    found = [
        Together(names[code], int(of_some[code]), round(of_some[code] * lists.n_rows / (len(rows) * of_all[code]), 2))
        for code in np.flatnonzero(of_some).tolist()
        if names[code] not in leave_out
    ]
    return tuple(sorted(found, key=lambda each: (-each.n_projects, -each.lift, each.tag))[:MAX_TOGETHER])

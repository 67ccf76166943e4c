"""What differs between two dataset versions, computed once more with dictionaries and sets: slow, plain, and sharing
nothing with tagpipe.comparison.diff and its neighbours but the names of their results.

`expect` gives what must be found in two versions; `find` puts what tagpipe found in the same plain form.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from support.reference import form_of
from support.samples import json_of

Id = int | str
Move = tuple[str, str, str, bool, int, int, int, float]
Change = tuple[Id, str, str]
"""project, tag, added or removed."""

ADDED, REMOVED = "added", "removed"


@dataclass(frozen=True)
class Version:
    """A dataset version in plain values.

    projects: created_on and text of every valid project. labels: kept tags of the labeled ones. supports: tag ->
    (projects before the cut, whether kept). out_of_vocabulary: form -> projects. vocabulary: tag -> (aliases, parents).
    """

    projects: dict[Id, tuple[Any, str]]
    labels: dict[Id, frozenset[str]]
    supports: dict[str, tuple[int, bool]]
    out_of_vocabulary: dict[str, int]
    vocabulary: dict[str, tuple[frozenset[str], frozenset[str]]]
    params: dict[str, Any]
    reports: dict[str, Any]
    sources: dict[str, str]

    def labels_of(self, project: Id) -> frozenset[str]:
        return self.labels.get(project, frozenset())


def read_folder(folder: Path) -> Version:
    """A version as `tagpipe build` wrote it, from its files alone."""
    reports = {name: json.loads((folder / "reports" / f"{name}.json").read_bytes()) for name in REPORTS}
    vocabulary = json.loads((folder / "validated" / "vocabulary.json").read_bytes())
    manifest = json.loads((folder / "labeled" / "manifest.json").read_bytes())
    return _gather(
        pq.read_table(folder / "annotated" / "projects.parquet").to_pylist(),
        pq.read_table(folder / "labeled" / "projects.parquet").to_pylist(),
        pq.read_table(folder / "labeled" / "tags.parquet").to_pylist(),
        pq.read_table(folder / "annotated" / "tag_uses.parquet").to_pylist(),
        _read_vocabulary(vocabulary),
        YAML(typ="safe").load((folder / "params.yaml").read_bytes()),
        reports,
        manifest["sources"],
    )


def read_build(built: Any) -> Version:
    """A version as `tagpipe.dataset.build.build` made it, from its tables."""
    rows = {name: table.to_pylist() for name, table in built.tables.items()}
    return _gather(
        rows["annotate/projects"],
        rows["threshold/projects"],
        rows["threshold/tags"],
        rows["annotate/tag_uses"],
        _read_vocabulary(built.vocabulary.as_dict()),
        json.loads(built.params.model_dump_json(by_alias=True, exclude_unset=True)),
        {name: json_of(getattr(built.reports, name)) for name in REPORTS},
        {name: source.sha256 for name, source in built.reports.validation.sources.items()},
    )


REPORTS = ("validation", "threshold")


def _read_vocabulary(tree: Any) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    entries = [(entry["tag"], entry) for entry in tree["tags"]]
    return {tag: (frozenset(entry["aliases"]), frozenset(entry["parents"])) for tag, entry in entries}


def _gather(
    annotated: list[Any], labeled: list[Any], tags: list[Any], uses: list[Any], vocabulary: Any, params: Any,
    reports: Any, sources: Any,
) -> Version:  # fmt: skip
    out = {(use["project_id"], use["normalized_tag"]) for use in uses if use["outcome"] == "out_of_vocabulary"}
    version = Version(
        {row["id"]: (row["created_on"], row["text"]) for row in annotated},
        {row["id"]: frozenset(row["tags"]) for row in labeled},
        {row["tag"]: (row["n_projects"], row["kept"]) for row in tags},
        dict(Counter(form for _, form in out)),
        vocabulary,
        params,
        reports,
        sources,
    )
    assert len(version.projects) == len(annotated)
    assert all(sorted(version.labels[row["id"]]) == row["tags"] for row in labeled)
    return version


@dataclass(frozen=True)
class Expected:
    """What differs, in plain values; projects by id, changes of numbers as (base, head)."""

    added: set[Id]
    removed: set[Id]
    retexted: set[Id]
    redated: set[Id]
    relabeled: set[Id]
    newly_unlabeled: set[Id]
    newly_labeled: set[Id]
    labels: set[Change]
    n_base_labels: int
    n_head_labels: int
    tags: dict[str, tuple[int, int, bool, bool, int, int]]
    """tag -> support in base and head, whether kept in base and head, labels added and removed."""
    entered: list[str]
    left: list[str]
    near_cut: list[str]
    signatures: list[tuple[tuple[str, ...], tuple[str, ...], tuple[Id, ...]]]
    """removed tags, added tags, projects; the most projects first, then by tags."""
    moves: set[Move]
    params: dict[str, tuple[Any, Any]]
    sources: dict[str, tuple[Any, Any]]
    vocabulary: set[tuple[Any, ...]]
    out_of_vocabulary: list[tuple[str, int, int]]
    measures: dict[str, tuple[Any, Any]]


def expect(base: Version, head: Version) -> Expected:
    """What differs between two versions whose ids have one type."""
    both = base.projects.keys() & head.projects.keys()
    changes = label_changes(base, head)
    supports = sorted(base.supports.keys() | head.supports.keys())
    tags = {tag: _tag_row(tag, base, head, changes) for tag in supports}
    kept = {tag: (was, now) for tag, (_, _, was, now, _, _) in tags.items()}
    return Expected(
        added=head.projects.keys() - base.projects.keys(),
        removed=base.projects.keys() - head.projects.keys(),
        retexted={at for at in both if base.projects[at][1] != head.projects[at][1]},
        redated={at for at in both if base.projects[at][0] != head.projects[at][0]},
        relabeled={at for at in both if base.labels_of(at) != head.labels_of(at)},
        newly_unlabeled={at for at in both if base.labels_of(at) and not head.labels_of(at)},
        newly_labeled={at for at in both if head.labels_of(at) and not base.labels_of(at)},
        labels=changes,
        n_base_labels=sum(map(len, base.labels.values())),
        n_head_labels=sum(map(len, head.labels.values())),
        tags={tag: row for tag, row in tags.items() if row[0] != row[1] or row[2] != row[3] or row[4] or row[5]},
        entered=[tag for tag, (was, now) in kept.items() if now and not was],
        left=[tag for tag, (was, now) in kept.items() if was and not now],
        near_cut=[tag for tag, (was, now) in kept.items() if was == now and _is_near(tags[tag][1], head)],
        signatures=signatures(base, head),
        moves=moves(base, head, both),
        params=_changed(flat(base.params), flat(head.params)),
        sources=_changed(base.sources, head.sources),
        vocabulary=vocabulary_changes(base, head),
        out_of_vocabulary=_count_changes(base.out_of_vocabulary, head.out_of_vocabulary),
        measures=measures(base, head),
    )


def label_changes(base: Version, head: Version) -> set[Change]:
    """Every label of one side only; projects of one side only have all of theirs here."""
    changes: set[Change] = set()
    for at in base.projects.keys() | head.projects.keys():
        changes |= {(at, tag, ADDED) for tag in head.labels_of(at) - base.labels_of(at)}
        changes |= {(at, tag, REMOVED) for tag in base.labels_of(at) - head.labels_of(at)}
    return changes


def _tag_row(tag: str, base: Version, head: Version, changes: set[Change]) -> tuple[int, int, bool, bool, int, int]:
    (n_base, was_kept), (n_head, is_kept) = (side.supports.get(tag, (0, False)) for side in (base, head))
    n_added, n_removed = (sum((name, kind) == (tag, each) for _, name, kind in changes) for each in (ADDED, REMOVED))
    return n_base, n_head, was_kept, is_kept, n_added, n_removed


def _is_near(support: int, head: Version) -> bool:
    """Within a tenth of head's cut, counted in tenths."""
    cut = head.params["threshold"]["min_projects"]
    return bool(10 * abs(support - cut) <= cut)


def signatures(base: Version, head: Version) -> list[tuple[tuple[str, ...], tuple[str, ...], tuple[Id, ...]]]:
    """Projects of both sides by what was removed and added on them."""
    groups: dict[Any, list[Id]] = {}
    for at in sorted(base.projects.keys() & head.projects.keys()):
        ours, theirs = base.labels_of(at), head.labels_of(at)
        if ours != theirs:
            groups.setdefault((tuple(sorted(ours - theirs)), tuple(sorted(theirs - ours))), []).append(at)
    rows = [(removed, added, tuple(projects)) for (removed, added), projects in groups.items()]
    return sorted(rows, key=lambda row: (-len(row[2]), row[0], row[1]))


def jaccard(left: set[Id], right: set[Id]) -> float:
    return len(left & right) / len(left | right) if left | right else 0.0


def moves(base: Version, head: Version, both: set[Id]) -> set[Move]:
    """(kind, old, new, declared, moved, lost, gained, overlap) of each tag renamed, merged or split."""
    changes = [change for change in label_changes(base, head) if change[0] in both]
    lost: dict[str, set[Id]] = {}
    gained: dict[str, set[Id]] = {}
    for at, tag, kind in changes:
        (gained if kind == ADDED else lost).setdefault(tag, set()).add(at)
    declared = declared_moves(base, head)
    found = [
        (
            "merge" if new in base.vocabulary else "rename",
            old,
            new,
            jaccard(lost.get(old, set()), gained.get(new, set())),
        )
        for old, new in declared
    ]
    found += [move for move in suspected_moves(base, lost, gained) if move[1:3] not in declared]
    rows = set()
    for kind, old, new, overlap in found:
        ours, theirs = lost.get(old, set()), gained.get(new, set())
        rows.add((kind, old, new, (old, new) in declared, len(ours & theirs), len(ours), len(theirs), overlap))
    assert len(rows) == len(found)
    return rows


def declared_moves(base: Version, head: Version) -> set[tuple[str, str]]:
    """(old, new): a tag of base's that in head is another's alias and nobody's name, whatever its spelling."""
    names = {form_of(tag) for tag in head.vocabulary}
    return {
        (old, new)
        for new, (aliases, _) in head.vocabulary.items()
        for old in base.vocabulary
        if form_of(old) in {form_of(alias) for alias in aliases} - names
    }


def suspected_moves(
    base: Version, lost: dict[str, set[Id]], gained: dict[str, set[Id]]
) -> list[tuple[str, str, str, float]]:
    """(kind, old, new, overlap): four in five of a tag's projects moved, five or more, and the group overlaps so too.

    Into a tag that base had already, even one tag merges. A pair is told once: a split is no rename.
    """
    splits, others = [], []
    for old, losers in lost.items():
        news = [new for new, gainers in gained.items() if _mostly(losers & gainers, gainers)]
        overlap = jaccard(losers, set().union(*(gained[new] for new in news)))
        if len(news) > 1 and overlap >= 0.8:
            splits += [("split", old, new, overlap) for new in news]
    told = {(old, new) for _, old, new, _ in splits}
    for new, gainers in gained.items():
        olds = [old for old, losers in lost.items() if _mostly(losers & gainers, losers)]
        overlap = jaccard(set().union(*(lost[old] for old in olds)), gainers)
        kind = "merge" if len(olds) > 1 or base.supports.get(new, (0, False))[1] else "rename"
        if overlap >= 0.8:
            others += [(kind, old, new, overlap) for old in olds if (old, new) not in told]
    return splits + others


def _mostly(moved: set[Id], every: set[Id]) -> bool:
    return len(moved) >= 5 and 5 * len(moved) >= 4 * len(every)


def flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted name -> value; a list, and `validate.fields`, is one value."""
    values: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping) and name != "fields":
            values |= {f"{name}.{key}": each for key, each in flat(value).items()}
        else:
            values[name] = value
    return values


def _changed(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = base.keys() | head.keys()
    return {name: (base.get(name), head.get(name)) for name in names if base.get(name) != head.get(name)}


def vocabulary_changes(base: Version, head: Version) -> set[tuple[Any, ...]]:
    """(kind, tag, aliases added, aliases removed, parents added, parents removed), names ascending."""
    rows = set()
    nothing: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
    for tag in base.vocabulary.keys() | head.vocabulary.keys():
        ours, theirs = base.vocabulary.get(tag, nothing), head.vocabulary.get(tag, nothing)
        kind = "added" if tag not in base.vocabulary else "removed" if tag not in head.vocabulary else "changed"
        if kind != "changed" or ours != theirs:
            each = ((theirs[at] - ours[at], ours[at] - theirs[at]) for at in (0, 1))
            rows.add((kind, tag, *(tuple(sorted(names)) for pair in each for names in pair)))
    return rows


def _count_changes(base: dict[str, int], head: dict[str, int]) -> list[tuple[str, int, int]]:
    """Counts that differ, the largest difference first, then by name."""
    rows = [(name, base.get(name, 0), head.get(name, 0)) for name in base.keys() | head.keys()]
    return sorted((row for row in rows if row[1] != row[2]), key=lambda row: (-abs(row[2] - row[1]), row[0]))


def measures(base: Version, head: Version) -> dict[str, tuple[Any, Any]]:
    """Every measure computed from the labels, by the name that the reports give it."""
    ours, theirs = measures_of(base), measures_of(head)
    return {name: (ours[name], theirs[name]) for name in ours}


def measures_of(version: Version) -> dict[str, Any]:
    """The numbers that follow from projects, labels, tags and vocabulary."""
    labelsets = [tags for tags in version.labels.values() if tags]
    n_uses, kept = sum(map(len, labelsets)), [n for n, is_kept in version.supports.values() if is_kept]
    cardinality = n_uses / len(labelsets) if labelsets else 0.0
    ratios = [max(kept) / n for n in kept]
    return {
        "projects.n_labeled": len(labelsets),
        "tag_uses.n_kept": n_uses,
        "tags.n_seen": len(version.supports),
        "tags.n_kept": len(kept),
        "cardinality": cardinality,
        "density": cardinality / len(kept) if kept else 0.0,
        "imbalance.mean_ir": sum(ratios) / len(ratios) if ratios else 0.0,
        "imbalance.max_ir": max(ratios, default=0.0),
        "vocabulary.n_tags": len(version.vocabulary),
        "vocabulary.n_aliases": sum(len(aliases) for aliases, _ in version.vocabulary.values()),
    }


def expect_gates(base: Version, head: Version, n_unexplained: int | None) -> dict[str, float | None]:
    """What each gate of params.yaml must find."""
    found = expect(base, head)
    warnings = [side.reports["validation"]["vocabulary"]["n_warnings"] for side in (base, head)]
    return {
        "max_projects_removed": _share(len(found.removed), len(base.projects)),
        "max_labels_changed": _share(len(found.labels), found.n_base_labels),
        "max_tags_leaving": len(found.left),
        "max_newly_unlabeled": len(found.newly_unlabeled),
        "max_new_warnings": sum(max(0, n - warnings[0].get(kind, 0)) for kind, n in warnings[1].items()),
        "max_unexplained": n_unexplained,
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float(part > 0)


def find(diff: Any) -> Expected:
    """What tagpipe found, in the form of `expect`."""
    ids, names = diff.union.ids.to_pylist(), diff.union.tags.to_pylist()
    projects, tags = diff.union.unpack(diff.labels.labels)
    kinds = [ADDED if is_added else REMOVED for is_added in diff.labels.is_added.tolist()]
    rows = list(zip(projects.tolist(), tags.tolist(), kinds, strict=True))
    changes = {(ids[project], names[tag], kind) for project, tag, kind in rows}
    assert len(changes) == len(rows) == len(diff.labels)

    def each(places: Any) -> set[Id]:
        listed = places.tolist()
        assert listed == sorted(set(listed)), "ascending, each once"
        return {ids[at] for at in listed}

    return Expected(
        added=each(diff.added),
        removed=each(diff.removed),
        retexted=each(diff.retexted),
        redated=each(diff.redated),
        relabeled=each(diff.relabeled),
        newly_unlabeled=each(diff.newly_unlabeled),
        newly_labeled=each(diff.newly_labeled),
        labels=changes,
        n_base_labels=diff.n_base_labels,
        n_head_labels=diff.n_head_labels,
        tags={
            row.tag: (row.base, row.head, row.was_kept, row.is_kept, row.n_added, row.n_removed)
            for row in diff.tags
            if row.differs
        },
        entered=[row.tag for row in diff.entered],
        left=[row.tag for row in diff.left],
        near_cut=[row.tag for row in diff.near_cut],
        signatures=[
            (group.removed, group.added, tuple(ids[at] for at in group.projects.tolist())) for group in diff.signatures
        ],
        moves={
            (row.kind, row.old, row.new, row.declared, row.n_moved, row.n_lost, row.n_gained, row.overlap)
            for row in diff.moves
        },
        params={row.name: (row.base, row.head) for row in diff.params},
        sources={row.name: (row.base, row.head) for row in diff.sources},
        vocabulary={
            (row.kind, row.tag, row.aliases_added, row.aliases_removed, row.parents_added, row.parents_removed)
            for row in diff.vocabulary
        },
        out_of_vocabulary=[(row.name, row.base or 0, row.head or 0) for row in diff.out_of_vocabulary],
        measures={row.name: (row.base, row.head) for row in diff.measures},
    )


def check(diff: Any, base: Version, head: Version) -> Expected:
    """Raise AssertionError, naming the field, where the diff differs from what it must be; what it must be."""
    expected, found = expect(base, head), find(diff)
    for name in Expected.__dataclass_fields__:
        must, has = getattr(expected, name), getattr(found, name)
        if name == "measures":
            # tagpipe has further ones, which its reports give; those that follow from the labels must agree.
            has = {key: has[key] for key in must}
            assert has.keys() == must.keys()
            assert all(_equal(has[key], must[key]) for key in must), (name, has, must)
        else:
            assert has == must, name
    check_reports(diff, base, head)
    return expected


def _equal(left: tuple[Any, Any], right: tuple[Any, Any]) -> bool:
    return all(abs(one - other) <= 1e-9 * max(1.0, abs(other)) for one, other in zip(left, right, strict=True))


def check_reports(diff: Any, base: Version, head: Version) -> None:
    """Every number of the reports is a measure, and nothing else is."""
    ours, theirs = (_numbers(side.reports) for side in (base, head))
    must = {name: (ours.get(name), theirs.get(name)) for name in ours.keys() | theirs.keys()}
    assert {row.name: (row.base, row.head) for row in diff.measures} == must


MEASURED = {
    "validation": ["vocabulary"],
    "threshold": ["projects", "tag_uses", "tags", "cardinality", "density", "imbalance"],
}


def _numbers(reports: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: reports[name][part] for name, names in MEASURED.items() for part in names}
    return {name: value for name, value in flat(parts).items() if isinstance(value, (int, float))}

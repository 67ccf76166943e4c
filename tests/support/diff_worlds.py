"""Random pairs of inputs: a world, and the same after edits of its projects, vocabulary and parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from support.worlds import ALIASES, NAMES, World, params_with, spelled, vocabularies, worlds
from tagpipe.comparison.sides import Side
from tagpipe.dataset.build import Build, build
from tagpipe.dataset.compare_builds import side_of
from tagpipe.errors import InputError
from tagpipe.params import Params
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.problems import vocabulary_of

PARAMETERS = ("normalize", "aliases", "exclude", "parents", "min_projects", "unlabeled", "text")
MOVED_TAGS = ("ant", "bee", "cow", "dog", "eel", "fox")


@dataclass(frozen=True)
class Inputs:
    """Everything a version is built from, in plain values. rules: `annotate` and `threshold` together."""

    records: tuple[dict[str, Any], ...]
    vocabulary: dict[str, dict[str, list[str]]]
    rules: dict[str, Any]

    @property
    def raw(self) -> Raw:
        return Raw(
            RawFile("projects.json", ".json", json.dumps(self.records).encode()),
            RawFile("vocabulary.json", ".json", json.dumps(self.vocabulary).encode()),
        )

    @property
    def params(self) -> Params:
        return _params_of(dict(self.rules))

    def build(self) -> Build:
        """The version; the same inputs are built once, for half of what these tests ask for they have asked before."""
        return _build_once(self.raw, json.dumps(self.rules))

    def side(self, name: str) -> Side:
        return side_of(self.build(), name)


def _params_of(rules: dict[str, Any]) -> Params:
    threshold = {name: rules.pop(name) for name in ("min_projects", "unlabeled")}
    return params_with(annotate=rules, threshold=threshold)


@lru_cache(maxsize=64)
def _build_once(raw: Raw, rules: str) -> Build:
    # `test_a_rerun_gives_the_same` holds that a second build would be the same.
    return build(raw, (), _params_of(json.loads(rules)))


def inputs_of(world: World) -> Inputs:
    """A world as inputs; titles and no dates."""
    rules = {
        "normalize": world.rules.normalize,
        "aliases": world.rules.aliases,
        "exclude": list(world.rules.exclude),
        "parents": world.rules.parents,
        "min_projects": world.rules.min_projects,
        "unlabeled": world.rules.unlabeled,
        "text": ["title", "description"],
    }
    return Inputs(tuple(world.records), world.vocabulary, rules)


def plain_inputs(
    tags: Mapping[int, list[str]], vocabulary: Mapping[str, Mapping[str, list[str]]] | str, **rules: Any
) -> Inputs:
    """Inputs written by hand: tags by project, the vocabulary (or its names, parted by spaces), rules that matter."""
    entries = {name: {} for name in vocabulary.split()} if isinstance(vocabulary, str) else vocabulary
    full = {tag: {"aliases": [], "parents": [], **entry} for tag, entry in entries.items()}
    defaults = {"normalize": True, "aliases": True, "exclude": [], "parents": "keep", "text": ["title"]}
    records = tuple({"id": at, "title": f"title {at}", "tags": names} for at, names in tags.items())
    return Inputs(records, full, {**defaults, "min_projects": 1, "unlabeled": "drop", **rules})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Inputs, Inputs]:
    """Base, and head after any edits, or none."""
    base = inputs_of(draw(worlds()))
    base = replace(base, records=tuple(draw(dated(record)) for record in base.records))
    head = base
    if draw(st.booleans()):
        head = replace(head, records=draw(edited_records(head)))
    if draw(st.booleans()):
        head = replace(head, vocabulary=draw(edited_vocabulary(head.vocabulary)))
    names = draw(st.lists(st.sampled_from(PARAMETERS), max_size=3, unique=True))
    return base, replace(head, rules=head.rules | {name: draw(rule(name)) for name in names})


@st.composite
def factor_pairs(draw: st.DrawFn, n_factors: int | None = None) -> tuple[Inputs, Inputs]:
    """Base and head that differ in `n_factors` inputs (1 to 4): projects, vocabulary, parameters by name.

    An edit may come out as no edit, so there may be fewer.
    """
    base = inputs_of(draw(worlds()))
    n_names = n_factors or draw(st.integers(1, 4))
    every = ("projects", "vocabulary", *PARAMETERS[:-1])
    names = draw(st.lists(st.sampled_from(every), min_size=n_names, max_size=n_names, unique=True))
    head = base
    for name in names:
        if name == "projects":
            head = replace(head, records=draw(edited_records(head)))
        elif name == "vocabulary":
            head = replace(head, vocabulary=draw(edited_vocabulary(head.vocabulary)))
        else:
            head = replace(head, rules=head.rules | {name: draw(rule(name))})
    return base, head


@st.composite
def dated(draw: st.DrawFn, record: dict[str, Any]) -> dict[str, Any]:
    """The record, perhaps with a date or a description."""
    how = draw(st.integers(0, 3))
    if how == 0:
        return record | {"created_on": draw(st.sampled_from(["2020-01-01", "2020-01-02T03:04:05.678"]))}
    return record | {"description": draw(st.sampled_from(["", "more", "é"]))} if how == 1 else record


@st.composite
def edited_records(draw: st.DrawFn, base: Inputs) -> tuple[dict[str, Any], ...]:
    """Projects gone, come, retexted, redated and retagged; at least one is left."""
    tag = spelled([*NAMES, *ALIASES]) | spelled(list(base.vocabulary))
    records: list[dict[str, Any]] = []
    for record in base.records:
        how = draw(st.integers(0, 6))
        if how == 0:
            continue
        if how == 1:
            record = record | {"tags": draw(st.lists(tag, max_size=5))}
        elif how == 2:
            record = record | {"tags": [*record["tags"][1:], draw(tag)]}
        elif how == 3:
            record = draw(dated(record | {"title": draw(st.sampled_from(["another", record["title"]]))}))
        records.append(record)
    known = {record["id"] for record in base.records}
    new = draw(st.lists(st.integers(51, 60), max_size=3, min_size=0 if records else 1, unique=True))
    records += [{"id": at, "title": "new", "tags": draw(st.lists(tag, max_size=5))} for at in new if at not in known]
    return tuple(records)


@st.composite
def edited_vocabulary(draw: st.DrawFn, base: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """Another one, or an entry less, an alias more or less, a parent less, or a tag that became an alias."""
    how = draw(st.integers(0, 5))
    edited = {tag: {key: list(names) for key, names in entry.items()} for tag, entry in base.items()}
    tag = draw(st.sampled_from(sorted(base)))
    if how == 0:
        return draw(vocabularies())
    if how == 1:
        del edited[tag]
    elif how == 2:
        edited[tag]["aliases"] = edited[tag]["aliases"][1:]
    elif how == 3:
        edited[tag]["aliases"].append(draw(st.sampled_from(ALIASES)))
    elif how == 4:
        edited[tag]["parents"] = edited[tag]["parents"][1:]
    elif others := sorted(base.keys() - {tag}):
        gone = edited.pop(tag)
        edited[draw(st.sampled_from(others))]["aliases"] += [tag, *gone["aliases"]]
    return edited if is_sound(edited) else base


def is_sound(vocabulary: dict[str, dict[str, list[str]]]) -> bool:
    """Whether the vocabulary would be read."""
    entries = (Entry(tag, tuple(fields["aliases"]), tuple(fields["parents"])) for tag, fields in vocabulary.items())
    try:
        vocabulary_of(tuple(entries), file="vocabulary.json")
    except InputError:
        return False
    return True


def rule(name: str) -> st.SearchStrategy[Any]:
    """A value of a parameter."""
    return {
        "normalize": st.booleans(),
        "aliases": st.booleans(),
        "exclude": st.lists(spelled([*NAMES, *ALIASES]), max_size=3),
        "parents": st.sampled_from(["keep", "roll_up", "drop", "drop_if_child"]),
        "min_projects": st.integers(1, 4),
        "unlabeled": st.sampled_from(["drop", "keep"]),
        "text": st.sampled_from([["title"], ["description"], ["title", "description"], ["description", "title"]]),
    }[name]


@st.composite
def moved_pairs(draw: st.DrawFn) -> tuple[Inputs, Inputs]:
    """Many projects with few tags, whose tags then go from one to another, with some noise."""
    tag = st.sampled_from(MOVED_TAGS)
    n_projects = draw(st.integers(5, 25))
    base = [draw(st.sets(tag, max_size=3)) for _ in range(n_projects)]
    head = [set(tags) for tags in base]
    for _ in range(draw(st.integers(1, 3))):
        old, new = draw(tag), draw(tag)
        share = draw(st.sampled_from([1.0, 1.0, 0.9, 0.5]))
        for at, tags in enumerate(head):
            if old in tags and (at * 7919 % 10) < share * 10:
                tags.remove(old)
                tags.add(new)
    for at in draw(st.lists(st.integers(0, n_projects - 1), max_size=3)):
        head[at] ^= {draw(tag)}
    known = {name: {"aliases": [], "parents": []} for name in MOVED_TAGS}
    edited = draw(edited_vocabulary(known))
    cut = draw(st.integers(1, 6))
    sides = []
    for tags, vocabulary in ((base, known), (head, draw(st.sampled_from([known, edited])))):
        sides.append(plain_inputs({at: sorted(each) for at, each in enumerate(tags)}, vocabulary, min_projects=cut))
    return sides[0], sides[1]

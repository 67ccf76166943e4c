"""The semantics of DESIGN section 2 once more, in dictionaries and sets: slow, plain, and sharing nothing with tagpipe.

What the pipeline does is compared with it on random input.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Entry = Mapping[str, Sequence[str]]
"""aliases and parents of a tag; either may be missing."""

Use = tuple[int | None, str | None, str | None, str | None, str]
"""position, raw tag, normalised tag, tag, outcome."""

REASONS = ("no_tags", "out_of_vocabulary", "excluded", "parent_dropped", "below_threshold")
"""From the nearest step to the furthest."""

STEP = {"kept": 4, "alias": 4, "implied": 4, "parent_dropped": 3, "excluded": 2, "out_of_vocabulary": 1, "duplicate": 0}


@dataclass(frozen=True)
class Rules:
    """The parameters that the semantics know."""

    normalize: bool = True
    aliases: bool = True
    exclude: tuple[str, ...] = ()
    parents: str = "keep"
    min_projects: int = 1
    unlabeled: str = "drop"


@dataclass
class Result:
    """uses, carried (before the cut) and labelsets (after it) by project id; counts and kept by tag; reasons by id.

    counts: of every tag seen, 0 for one that the parents mode took from all projects that gave it.
    """

    uses: dict[int, list[Use]] = field(default_factory=dict)
    carried: dict[int, set[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    kept: set[str] = field(default_factory=set)
    labelsets: dict[int, list[str]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)

    def ranked(self) -> list[tuple[str, int, bool]]:
        """(tag, projects, kept) by count descending, then by code point."""
        return [
            (tag, count, tag in self.kept)
            for tag, count in sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ]


def form_of(raw: str) -> str:
    """NFKC, strip, casefold, runs of white space or `_` as one `-`; twice, because folding can undo NFKC."""
    text = raw
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).strip().casefold()
    return re.sub(r"(?:\s|_)+", "-", text)


def build(projects: Mapping[int, Sequence[str]], vocabulary: Mapping[str, Entry], rules: Rules) -> Result:
    """Tags of every project, by id, to what becomes of them."""
    above = all_ancestors(vocabulary)
    parents = {up for tag in vocabulary for up in direct_parents(tag, vocabulary)}
    excluded = {found[0] for name in rules.exclude if (found := resolve(compared(name, rules), vocabulary, rules))}
    result = Result()
    for project_id, raw_tags in projects.items():
        uses = decide(raw_tags, vocabulary, rules, excluded)
        mine = {tag for _, _, _, tag, _ in uses if tag is not None}
        uses = [drop_parent(use, mine, above, parents, rules) for use in uses]
        carried = {tag for _, _, _, tag, outcome in uses if tag is not None and outcome in ("kept", "alias")}
        if rules.parents == "roll_up":
            implied = {up for tag in carried for up in above[tag]} - carried - excluded
            uses += [(None, None, None, up, "implied") for up in sorted(implied)]
            carried |= implied
        result.uses[project_id] = uses
        result.carried[project_id] = carried
        result.counts.update(carried)
        result.counts.update(dict.fromkeys((use[3] for use in uses if use[4] == "parent_dropped"), 0))
    result.kept = {tag for tag, count in result.counts.items() if count >= rules.min_projects}
    for project_id in sorted(projects):
        labelset = sorted(result.carried[project_id] & result.kept)
        if labelset or rules.unlabeled == "keep":
            result.labelsets[project_id] = labelset
        if not labelset:
            furthest = max((STEP[outcome] for *_, outcome in result.uses[project_id]), default=0)
            result.reasons[project_id] = REASONS[furthest]
    return result


def compared(raw: str, rules: Rules) -> str:
    """The form in which a tag is compared."""
    return form_of(raw) if rules.normalize else raw


def resolve(form: str, vocabulary: Mapping[str, Entry], rules: Rules) -> tuple[str, str] | None:
    """(tag, outcome) of a compared form; a canonical name beats an alias."""
    for tag in vocabulary:
        if compared(tag, rules) == form:
            return tag, "kept"
    if rules.aliases:
        for tag, entry in vocabulary.items():
            if form in [compared(alias, rules) for alias in entry.get("aliases", ())]:
                return tag, "alias"
    return None


def decide(raw_tags: Sequence[str], vocabulary: Mapping[str, Entry], rules: Rules, excluded: set[str]) -> list[Use]:
    """Resolve, de-duplicate, include and exclude the tags of one project."""
    seen: set[tuple[str, str]] = set()
    uses: list[Use] = []
    for position, raw in enumerate(raw_tags):
        form = compared(raw, rules)
        found = resolve(form, vocabulary, rules)
        tag = found[0] if found else None
        identity = ("tag", tag) if tag is not None else ("form", form)
        if identity in seen:
            outcome = "duplicate"
        elif found is None:
            outcome = "out_of_vocabulary"
        else:
            outcome = "excluded" if found[0] in excluded else found[1]
        seen.add(identity)
        uses.append((position, raw, form, tag, outcome))
    return uses


def drop_parent(use: Use, mine: set[str], above: Mapping[str, set[str]], parents: set[str], rules: Rules) -> Use:
    """The use, with another outcome where the parents mode drops its tag. mine: every tag that its author gave."""
    *rest, tag, outcome = use
    if outcome not in ("kept", "alias") or tag is None:
        return use
    goes = {
        "drop": tag in parents,
        "drop_if_child": any(tag in above[other] for other in mine if other != tag),
    }.get(rules.parents, False)
    return (*rest, tag, "parent_dropped") if goes else use  # type: ignore[return-value]


def direct_parents(tag: str, vocabulary: Mapping[str, Entry]) -> set[str]:
    """Canonical names of a tag's parents, found through aliases; unknown ones are left out."""
    rules = Rules()
    names = (form_of(parent) for parent in vocabulary[tag].get("parents", ()))
    return {found[0] for name in names if (found := resolve(name, vocabulary, rules))}


def all_ancestors(vocabulary: Mapping[str, Entry]) -> dict[str, set[str]]:
    """Every tag's parents, their parents and so on."""
    direct = {tag: direct_parents(tag, vocabulary) for tag in vocabulary}
    above = {tag: set(ups) for tag, ups in direct.items()}
    grown = True
    while grown:
        grown = False
        for ups in above.values():
            more = {further for up in ups for further in direct[up]} - ups
            ups |= more
            grown = grown or bool(more)
    assert all(tag not in ups for tag, ups in above.items())
    return above

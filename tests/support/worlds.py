"""Random small worlds: projects, a vocabulary without errors, and parameters; and the pipeline over them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from hypothesis import strategies as st

from support.reference import Rules, form_of
from tagpipe.dataset.build import Build, build
from tagpipe.params import Params, parse_params
from tagpipe.steps.validate.validate import Raw, RawFile

NAMES = ["a", "b-b", "c", "c++", "c#", "Deep Learning", "é", "node.js", "top"]
"""Canonical names; one is not in normal form."""

ALIASES = ["a-a", "bee bee", "ｃ", "D_L", "deep-learning", "DEEP learning", "node", "C Plus", "é e", "the_top", "zzz"]
UNKNOWN = ["nowhere", "Zig", "zig", " zig ", "a_", "", " ", "-", "😀"]
SEPARATORS = ["-", " ", "_", "  ", "\t", "\u3000"]


@dataclass(frozen=True)
class World:
    """projects: tags by id. vocabulary: tag to aliases and parents, free of errors."""

    projects: dict[int, list[str]]
    vocabulary: dict[str, dict[str, list[str]]]
    rules: Rules

    def with_rules(self, **changes: Any) -> World:
        return replace(self, rules=replace(self.rules, **changes))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The projects as a source would hold them."""
        return [{"id": at, "title": f"title {at}", "tags": tags} for at, tags in self.projects.items()]

    @property
    def params(self) -> Params:
        """Whole parameters with these rules."""
        rules = asdict(self.rules)
        threshold = {name: rules.pop(name) for name in ("min_projects", "unlabeled")}
        return params_with(annotate=rules | {"exclude": list(rules["exclude"])}, threshold=threshold)

    def build(self) -> Build:
        """The pipeline over all of it."""
        return build_records(self.records, self.vocabulary, self.params)


def build_records(records: list[Any], vocabulary: object, params: Params) -> Build:
    """The pipeline over records and a vocabulary."""
    raw = Raw(
        RawFile("projects.json", ".json", json.dumps(records).encode()),
        RawFile("vocabulary.json", ".json", json.dumps(vocabulary).encode()),
    )
    return build(raw, (), params)


def params_with(*, annotate: dict[str, Any], threshold: dict[str, Any], **validate: Any) -> Params:
    """Whole parameters of id, title, description, tags and created_on."""
    download = {"timeout_s": 1.0, "max_bytes": 1, "max_decoded_bytes": 1, "attempts": 1, "allow_private": False}
    fields = {name: name for name in ("id", "title", "description", "tags", "created_on")}
    return parse_params(
        {
            "schema": 1,
            "source": {
                "projects": {"path": "projects.json"},
                "vocabulary": {"path": "vocabulary.json"},
                "download": download,
            },
            "validate": {
                "fields": fields,
                "id": "integer",
                "required": ["id", "title", "tags"],
                "created_on": "iso",
                "tags_separator": None,
                "max_rejected": 1.0,
                **validate,
            },
            "annotate": {"text": ["title", "description"], **annotate},
            "threshold": threshold,
        }
    )


@st.composite
def spelled(draw: st.DrawFn, names: list[str]) -> str:
    """One of `names`, perhaps written as somebody else would."""
    name = draw(st.sampled_from(names))
    how = draw(st.integers(0, 7))
    if how == 0:
        name = name.upper()
    elif how == 1:
        name = name.replace("-", draw(st.sampled_from(SEPARATORS)))
    elif how == 2:
        name = f" {name}\n"
    elif how == 3:
        name = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in name)
    return name


@st.composite
def vocabularies(draw: st.DrawFn) -> dict[str, dict[str, list[str]]]:
    """No name with two meanings; parents only of tags that come earlier, so there is no cycle."""
    tags = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True))
    owner = {form_of(tag): tag for tag in tags}
    vocabulary: dict[str, dict[str, list[str]]] = {}
    for at, tag in enumerate(tags):
        aliases = []
        for alias in draw(st.lists(st.sampled_from(ALIASES), max_size=3, unique=True)):
            if alias != tag and owner.setdefault(form_of(alias), tag) == tag:
                aliases.append(alias)
        names = [name for up in tags[:at] for name in (up, *vocabulary[up]["aliases"])]
        parents = draw(st.lists(spelled(names) | st.just("unheard-of"), max_size=3)) if names else []
        vocabulary[tag] = {"aliases": aliases, "parents": parents}
    return vocabulary


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world with up to nine projects; some carry many tags."""
    vocabulary = draw(vocabularies())
    tag = spelled([*NAMES, *ALIASES]) | spelled(list(vocabulary)) | st.sampled_from(UNKNOWN) | st.text(max_size=4)
    lists = st.lists(tag, max_size=6) | st.lists(tag, min_size=15, max_size=30)
    ids = draw(st.lists(st.integers(-5, 50), min_size=1, max_size=9, unique=True))
    rules = Rules(
        normalize=draw(st.booleans()),
        aliases=draw(st.booleans()),
        exclude=tuple(draw(st.lists(spelled([*NAMES, *ALIASES]), max_size=3))),
        parents=draw(st.sampled_from(["keep", "roll_up", "drop", "drop_if_child"])),
        min_projects=draw(st.integers(1, 4)),
        unlabeled=draw(st.sampled_from(["drop", "keep"])),
    )
    return World({at: draw(lists) for at in ids}, vocabulary, rules)

"""Preview an edit before it is built."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tagpipe.comparison.comparison import Comparison
from tagpipe.comparison.overrides import override_params
from tagpipe.comparison.sides import Side
from tagpipe.dataset.build import build
from tagpipe.dataset.compare_builds import compare_sides, side_of
from tagpipe.dataset.summary import SweepRow
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.repository.raw_files import open_raw, suffix_of
from tagpipe.io.repository.yaml_file import parse_yaml, read_params
from tagpipe.io.sources.sources import fetch_source, named_sources
from tagpipe.io.versions.load_sides import load_built, was_built_by_present_code
from tagpipe.params import Params
from tagpipe.steps.validate.validate import Raw, RawFile


def preview(
    root: Path, settings: Mapping[str, Any] | None = None, *, vocabulary: Path | None = None, with_causes: bool = True
) -> Comparison:
    """Compare the version last built with what the present inputs would give. Built in memory; nothing is written.

    The inputs are params.yaml and the sources as they are now, with `settings` (dotted name -> value) over them and
    with the file `vocabulary`, if given. Raises InputError if the workspace has no complete version.
    """
    params, raw = _read_inputs(repository_layout(root), settings, vocabulary)
    built = build(raw, (), params)
    base = load_built(root, params)
    return compare_sides(
        base.side,
        side_of(built, "preview"),
        lambda: (base.read_raw(), raw),
        may_be_code=not was_built_by_present_code(base),
        with_causes=with_causes,
    )


def preview_vocabulary(root: Path, before: bytes, after: bytes, *, known: Sequence[Side] = ()) -> Comparison:
    """Compare two vocabularies, each built with the current inputs and parameters.

    Both are built in memory, so that edits that are not built yet do not count; nothing is written. known: sides of
    earlier previews (`diff.base`, `diff.head`); one that is `before` with the current inputs is not built again. Raises
    what the sources and the build raise.
    """
    params, raw = _read_inputs(repository_layout(root))

    def side_with(data: bytes, name: str) -> Side:
        # One build at a time: two of a million projects would take 2 GB.
        return side_of(build(Raw(raw.projects, replace(raw.vocabulary, data=data)), (), params), name)

    edited = side_with(after, "as edited")
    sources = {**edited.sources, "vocabulary": hashlib.sha256(before).hexdigest()}
    # In a review, the present dataset is the same for every question: building it again would double the wait.
    built = next((side for side in known if side.params == params and side.sources == sources), None)
    present = side_with(before, "as it is") if built is None else replace(built, name="as it is")
    return compare_sides(present, edited, lambda: (raw, raw), may_be_code=False, with_causes=False)


def sweep(
    root: Path,
    name: str,
    values: Sequence[int],
    settings: Mapping[str, Any] | None = None,
    *,
    vocabulary: Path | None = None,
) -> list[SweepRow]:
    """What the present inputs would give, a row for each value of the parameter `name`. Nothing is written."""
    params, raw = _read_inputs(repository_layout(root), settings, vocabulary)
    rows = []
    for value in values:
        report = build(raw, (), override_params(params, {name: value})).reports.threshold
        n_kept, n_labeled = report.tags.n_kept, report.projects.n_labeled
        rows.append(SweepRow(value, n_kept, n_labeled, report.cardinality, report.just_made, report.just_missed))
    return rows


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """`threshold.min_projects=25` -> {name: value}; values are YAML. Raises ConfigError."""
    values = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            found = escape_shown(setting)
            raise ConfigError("not a setting", field="--set", found=found, expected="NAME=VALUE", fix="Correct it")
        values[name] = parse_yaml(value.encode("utf-8"), file="--set")
    return values


def _read_inputs(
    layout: Layout, settings: Mapping[str, Any] | None = None, vocabulary: Path | None = None
) -> tuple[Params, Raw]:
    """(the parameters with `settings` over them, the bytes that fetch would receive now).

    vocabulary: a file to use in place of the source, if given.
    """
    params = override_params(read_params(layout.params_file), settings or {})
    files = {}
    for name, source in named_sources(params.source):
        if name == "vocabulary" and vocabulary is not None:
            files[name] = RawFile(vocabulary.name, suffix_of(vocabulary), open_raw(vocabulary))
        else:
            data = fetch_source(layout, name, source, params.source.download).data
            files[name] = RawFile(source.location, source.suffix, data)
    return params, Raw(files["projects"], files["vocabulary"])

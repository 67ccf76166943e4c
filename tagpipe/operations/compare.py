"""Two dataset versions compared: what differs, what caused it, does it keep to the gates; also before it is built."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tagpipe.comparison.causes import Replay, attribute_changes, needs_replays
from tagpipe.comparison.comparison import Comparison, changed_factors, changes_table, mix_params
from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.document import DiffDocument
from tagpipe.comparison.gates import judge
from tagpipe.comparison.sides import Side
from tagpipe.comparison.value_changes import flatten_params
from tagpipe.dataset.build import build as build_in_memory
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.files import write_bytes, write_table
from tagpipe.io.sources.sources import NAMES
from tagpipe.io.versions.load_sides import WORKSPACE, LoadedSide, default_base, open_side
from tagpipe.render.diff.html import html_diff
from tagpipe.render.diff.json import json_diff
from tagpipe.render.diff.markdown import markdown_diff
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.tables.tag_lists import Int64s


def compare(
    root: Path,
    base: str | None = None,
    head: str = WORKSPACE,
    *,
    rebuild: bool = False,
    with_causes: bool = True,
    head_name: str | None = None,
) -> Comparison:
    """Compare two sides (`io.sides.open_side`); base is the merge base with the default branch if it is None.

    head_name: what head is called in the result, if not `head`.

    Raises InputError or ConfigError where a side is missing or stale.
    """
    with ExitStack() as stack:
        ours = stack.enter_context(open_side(root, base or default_base(root), rebuild=rebuild))
        theirs = stack.enter_context(open_side(root, head, rebuild=rebuild))
        return compare_sides(
            ours.side,
            theirs.side if head_name is None else replace(theirs.side, name=head_name),
            lambda: (read_raw(ours), read_raw(theirs)),
            may_be_code=ours.code is None or theirs.code is None or ours.code != theirs.code,
            with_causes=with_causes,
        )


def write_comparison(comparison: Comparison, document: DiffDocument, path: Path) -> None:
    """The comparison as a file, in the form that its ending names. Raises ConfigError for another ending."""
    if path.suffix == ".parquet":
        write_table(path, changes_table(comparison))
    elif path.suffix == ".md":
        write_bytes(path, markdown_diff(document).encode("utf-8"))
    elif path.suffix == ".html":
        write_bytes(path, html_diff(document).encode("utf-8"))
    elif path.suffix == ".json":
        write_bytes(path, json_diff(document).encode("utf-8"))
    else:
        raise ConfigError(
            "an unknown form", field="--write", found=escape_shown(path.name), expected=".md, .html, .json or .parquet"
        )


def compare_sides(base: Side, head: Side, read_raws: Any, *, may_be_code: bool, with_causes: bool) -> Comparison:
    diff = diff_versions(base, head)
    attribution = None
    if with_causes:
        factors = changed_factors(diff)
        # Before any replay: received bytes that are not there are an error, not a replay that cannot be built.
        raws = read_raws() if needs_replays(diff.labels, factors, may_be_code=may_be_code) else None
        attribution = attribute_changes(diff.labels, factors, _make_replay(diff, raws), may_be_code=may_be_code)
    return Comparison(diff, attribution, judge(diff, attribution, head.params.gates))


def _make_replay(diff: VersionDiff, raws: tuple[Raw, Raw] | None) -> Replay:
    """Builds with some factors of head and the others of base. raws: the received bytes of base and of head."""
    ours, theirs = flatten_params(diff.base.params), flatten_params(diff.head.params)

    def replay(from_head: frozenset[str]) -> Int64s:
        assert raws is not None
        base, head = raws
        raw = Raw(*((head if name in from_head else base).file(name) for name in NAMES))
        params = mix_params(diff.head.params, ours, theirs, from_head)
        return diff.union.labels_of(build_in_memory(raw, (), params).labeled)

    return replay


def read_raw(loaded: LoadedSide) -> Raw:
    return Raw(*(RawFile(name, *loaded.read_raw(name)) for name in NAMES))

"""Two dataset versions compared: what differs, what caused it, does it keep to the gates; also before it is built."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from tagpipe.comparison.causes import Attribution, Replay, attribute_changes, needs_replays
from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.document import DiffDocument, make_document
from tagpipe.comparison.gates import GateResult, judge
from tagpipe.comparison.sides import Side
from tagpipe.comparison.value_changes import flatten_params
from tagpipe.core.sweep import SweepRow
from tagpipe.dataset.build import Build, Raw, RawFile
from tagpipe.dataset.build import build as build_in_memory
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.files import write_bytes, write_table
from tagpipe.io.repository.layout import project_layout
from tagpipe.io.repository.raw_files import open_raw, suffix_of
from tagpipe.io.repository.yaml_file import parse_yaml, read_params
from tagpipe.io.sources.sources import NAMES, each_source, fetch_source
from tagpipe.io.versions.load_sides import WORKSPACE, LoadedSide, default_base, is_code_of_now, load_built, open_side
from tagpipe.params import Params, dump_params, parse_params
from tagpipe.render.diff.html import html_diff
from tagpipe.render.diff.json import json_diff
from tagpipe.render.diff.markdown import markdown_diff
from tagpipe.steps.threshold.manifest import SHAPING
from tagpipe.tables.tag_lists import Int64s

_SWEEP = re.compile(r"(?P<name>[a-z_.]+)=(?P<first>[0-9]+)\.\.(?P<last>[0-9]+)(:(?P<step>[0-9]+))?")
MAX_SWEEP = 200


@dataclass(frozen=True, eq=False)
class Comparison:
    """What head has otherwise than base. attribution: None where causes were not asked for."""

    diff: VersionDiff
    attribution: Attribution | None
    gates: tuple[GateResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate did."""
        return all(gate.passed for gate in self.gates)

    @property
    def document(self) -> DiffDocument:
        """What the renderers draw."""
        return make_document(self.diff, self.attribution, self.gates)


def changes_table(comparison: Comparison) -> pa.Table:
    """`schemas.label_changes`: every label change of a comparison."""
    diff, attribution = comparison.diff, comparison.attribution
    projects, tags = diff.union.unpack(diff.labels.labels)
    groups = attribution.groups if attribution else ()
    of_group = pa.array(attribution.group_of) if attribution else pa.nulls(len(diff.labels), pa.int32())
    causes = pa.array([str(group.cause) for group in groups], pa.string())
    factors = pa.array([list(group.factors) for group in groups], pa.list_(pa.string()))
    table = pa.table(
        {
            "project_id": diff.union.ids.take(pa.array(projects)),
            "tag": diff.union.tags.take(pa.array(tags)),
            "change": pa.array(diff.labels.is_added).cast(pa.int32()),
            "cause": causes.take(of_group),
            "factors": factors.take(of_group),
        }
    )
    words = pa.array(["removed", "added"])
    return table.set_column(2, "change", words.take(table.column("change")))


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
        return _compare(
            ours.side,
            theirs.side if head_name is None else replace(theirs.side, name=head_name),
            lambda: (_read_raw(ours), _read_raw(theirs)),
            may_be_code=ours.code is None or theirs.code is None or ours.code != theirs.code,
            with_causes=with_causes,
        )


def preview(
    root: Path, settings: Mapping[str, Any] | None = None, *, vocabulary: Path | None = None, with_causes: bool = True
) -> Comparison:
    """The last built version of the workspace beside what an edit would give: built in memory, nothing written.

    The edit is whatever params.yaml and the sources hold now, with `settings` (dotted name -> value) over it, and
    another vocabulary file. Raises InputError where the workspace has no whole version.
    """
    layout = project_layout(root)
    params = change_params(read_params(layout.params_file), settings or {})
    raw = _received_now(root, params, vocabulary)
    built = build_in_memory(raw, (), params)
    base = load_built(root, params)
    return _compare(
        base.side,
        side_of(built, "preview"),
        lambda: (_read_raw(base), raw),
        may_be_code=not is_code_of_now(base),
        with_causes=with_causes,
    )


def preview_vocabulary(root: Path, before: bytes, after: bytes, *, known: Sequence[Side] = ()) -> Comparison:
    """What an edit of the vocabulary alone does: the inputs and parameters of now, with each of two vocabularies.

    Both are built in memory, so that edits that are not built yet do not count; nothing is written. known: sides of
    earlier previews (`diff.base`, `diff.head`); one that is `before` with the inputs of now is not built again. Raises
    what the sources and the build raise.
    """
    layout = project_layout(root)
    params = read_params(layout.params_file)
    raw = _received_now(root, params, None)

    def side_with(data: bytes, name: str) -> Side:
        # One build at a time: two of a million projects would take 2 GB.
        return side_of(build_in_memory(Raw(raw.projects, replace(raw.vocabulary, data=data)), (), params), name)

    theirs = side_with(after, "as edited")
    sources = {**theirs.sources, "vocabulary": hashlib.sha256(before).hexdigest()}
    built = next((side for side in known if side.params == params and side.sources == sources), None)
    ours = side_with(before, "as it is") if built is None else replace(built, name="as it is")
    return _compare(ours, theirs, lambda: (raw, raw), may_be_code=False, with_causes=False)


def sweep(
    root: Path,
    name: str,
    values: Sequence[int],
    settings: Mapping[str, Any] | None = None,
    *,
    vocabulary: Path | None = None,
) -> list[SweepRow]:
    """One row for each value of the parameter `name`: what the workspace's inputs would give. Nothing is written."""
    layout = project_layout(root)
    params = change_params(read_params(layout.params_file), settings or {})
    raw = _received_now(root, params, vocabulary)
    rows = []
    for value in values:
        report = build_in_memory(raw, (), change_params(params, {name: value})).reports["threshold"]
        rows.append(
            SweepRow(
                value,
                report["tags"]["n_kept"],
                report["projects"]["n_labeled"],
                report["cardinality"],
                *(tuple((tag, count) for tag, count in report[edge]) for edge in ("just_made", "just_missed")),
            )
        )
    return rows


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


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """`threshold.min_projects=25` -> {name: value}; values are YAML. Raises ConfigError."""
    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(
                "not a setting", field="--set", found=escape_shown(setting), expected="NAME=VALUE", fix="Correct it"
            )
        found[name] = parse_yaml(value.encode("utf-8"), file="--set")
    return found


def parse_sweep(text: str) -> tuple[str, range]:
    """`threshold.min_projects=10..60:5` -> (name, values). Raises ConfigError."""
    match = _SWEEP.fullmatch(text)
    values = range(0)
    if match:
        step = int(match["step"] or 1)
        values = range(int(match["first"]), int(match["last"]) + 1, step) if step else range(0)
    if match is None or not 1 <= len(values) <= MAX_SWEEP:
        raise ConfigError(
            "not a sweep",
            field="--sweep",
            found=escape_shown(text),
            expected=f"NAME=FIRST..LAST:STEP with 1 to {MAX_SWEEP} values, as in threshold.min_projects=10..60:5",
            fix="Correct it",
        )
    return match["name"], values


def change_params(params: Params, settings: Mapping[str, Any]) -> Params:
    """The parameters with dotted names set to other values. Raises ConfigError for a name or value that is wrong."""
    tree: dict[str, Any] = dump_params(params)
    for name, value in settings.items():
        *sections, key = name.split(".")
        at: Any = tree
        for section in sections:
            at = at.get(section) if isinstance(at, dict) else None
        if not isinstance(at, dict) or (key not in at and name not in flatten_params(params)):
            raise ConfigError(
                "there is no such parameter",
                field=escape_shown(name)[1:-1],
                expected=", ".join(each for each in flatten_params(params) if not each.startswith("source.")),
                fix="docs/parameters.md lists them",
            )
        at[key] = value
    return parse_params(tree, file="the changed parameters")


def side_of(built: Build, name: str) -> Side:
    """A build in memory as a side."""
    forms, counts = built.annotation.count_out_of_vocabulary()
    return Side(
        name=name,
        projects=built.annotation.select(built.validated.order).drop_columns("tags"),
        labels=built.labeled.select(["id", "tags"]),
        tags=built.cut.tags,
        out_of_vocabulary={
            form: count for form, count in zip(forms.to_pylist(), counts.tolist(), strict=True) if count
        },
        vocabulary=built.vocabulary,
        params=built.params,
        reports=built.reports,
        sources={name: str(source["sha256"]) for name, source in built.reports["validation"]["sources"].items()},
    )


def _compare(base: Side, head: Side, read_raws: Any, *, may_be_code: bool, with_causes: bool) -> Comparison:
    diff = diff_versions(base, head)
    attribution = None
    if with_causes:
        factors = changed_factors(diff)
        # Before any replay: received bytes that are not there are an error, not a replay that cannot be built.
        raws = read_raws() if needs_replays(diff.labels, factors, may_be_code=may_be_code) else None
        attribution = attribute_changes(diff.labels, factors, _make_replay(diff, raws), may_be_code=may_be_code)
    return Comparison(diff, attribution, judge(diff, attribution, head.params.gates))


def changed_factors(diff: VersionDiff) -> list[str]:
    """What differs between the inputs, without code: projects, vocabulary, then parameters by name."""
    names = [change.name for change in diff.sources if change.name == "projects"]
    names += ["vocabulary"] if diff.vocabulary else []
    return names + [change.name for change in diff.params if change.name.split(".")[0] in SHAPING]


def _make_replay(diff: VersionDiff, raws: tuple[Raw, Raw] | None) -> Replay:
    """Builds with some factors of head and the others of base. raws: the received bytes of base and of head."""
    ours, theirs = flatten_params(diff.base.params), flatten_params(diff.head.params)

    def replay(from_head: frozenset[str]) -> Int64s:
        assert raws is not None
        base, head = raws
        raw = Raw(*((head if name in from_head else base).file(name) for name in NAMES))
        params = _mix_params(diff.head.params, ours, theirs, from_head)
        return diff.union.labels_of(build_in_memory(raw, (), params).labeled)

    return replay


def _mix_params(head: Params, ours: Mapping[str, Any], theirs: Mapping[str, Any], from_head: frozenset[str]) -> Params:
    """Base's shaping parameters but for those of `from_head`; where the bytes come from, and gates, are head's."""
    tree: dict[str, Any] = dump_params(head)
    for section in SHAPING:
        tree[section] = {}
    for name in dict.fromkeys([*theirs, *ours]):
        section, _, key = name.partition(".")
        values = theirs if name in from_head else ours
        if section in SHAPING and name in values:
            tree[section][key] = values[name]
    return parse_params(tree, file="the mixed parameters")


def _read_raw(loaded: LoadedSide) -> Raw:
    return Raw(*(RawFile(name, *loaded.read_raw(name)) for name in NAMES))


def _received_now(root: Path, params: Params, vocabulary: Path | None) -> Raw:
    """What fetch would receive now; `vocabulary` in its place if it is given."""
    layout = project_layout(root)
    files = {}
    for name, source in each_source(params.source):
        if name == "vocabulary" and vocabulary is not None:
            files[name] = RawFile(vocabulary.name, suffix_of(vocabulary), open_raw(vocabulary))
        else:
            data = fetch_source(layout, name, source, params.source.download).data
            files[name] = RawFile(source.location, source.suffix, data)
    return Raw(files["projects"], files["vocabulary"])

"""Reports that span more than one step: validation.json and manifest.json."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import Params, dump_params
from tagpipe.steps.validate.check_rows import ValidatedProjects
from tagpipe.tables.digest import table_sha256
from tagpipe.tables.schemas import TAGS, IdType, id_kind_of, labeled_projects, tag_uses
from tagpipe.vocabulary.lint import Finding, FindingKind
from tagpipe.vocabulary.vocabulary import Vocabulary

_SLICE_BYTES = 1 << 20
SHAPING = ("validate", "annotate", "threshold")
"""The sections of params.yaml that shape a dataset version; `source` says where the bytes came from."""

_FORMULA = "=+-@\t\r"
# DVC 3.67 writes the texts of a plot into the <script> of its page as they are, where `</script>` would end it, and
# fills in the page's own `{scripts}` behind them.
_LIVE = re.compile("[<>&{}\x00-\x1f\x7f-\x9f\u2028\u2029]")


def validation_report(
    projects: ValidatedProjects,
    vocabulary: Vocabulary,
    findings: Sequence[Finding],
    sources: Mapping[str, Mapping[str, object]],
) -> dict[str, Any]:
    """validation.json. `sources`: for projects and vocabulary what was received (sha256, n_bytes)."""
    by_kind = Counter(str(finding.kind) for finding in findings)
    return {
        "schema": 1,
        "sources": {name: dict(received) for name, received in sources.items()},
        "projects": {
            "n_in": projects.n_in,
            "n_rejected": projects.n_rejected,
            "n_duplicates": projects.n_duplicates,
            "n_valid": projects.rows.num_rows,
            "rejected_by_reason": projects.rejected_by_reason,
        },
        "vocabulary": {
            "n_tags": len(vocabulary.tags),
            "n_aliases": sum(map(len, vocabulary.aliases)),
            "n_warnings": {str(kind): by_kind[str(kind)] for kind in FindingKind},
            "warnings": [
                {"kind": str(each.kind), "tag": each.tag, "value": each.value, "nearest": each.nearest}
                for each in findings
            ],
        },
    }


def describe_source(data: ByteSource) -> dict[str, object]:
    """What was received: sha256 of the bytes and their number."""
    digest = hashlib.sha256()
    for at in range(0, len(data), _SLICE_BYTES):
        digest.update(data[at : at + _SLICE_BYTES])
    return {"sha256": digest.hexdigest(), "n_bytes": len(data)}


def tag_counts(tags: pa.Table) -> str:
    """tag_counts.csv: tag, n_projects, kept (true or false), by n_projects descending; DVC plots it.

    A tag that a spreadsheet would take for a formula is given a leading apostrophe; `<`, `>`, `&`, braces and
    control characters are written as `\\u003c` and so on.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["tag", "n_projects", "kept"])
    names, counts, kept = (tags.column(name).to_pylist() for name in ("tag", "n_projects", "kept"))
    for name, count, is_kept in zip(names, counts, kept, strict=True):
        rows.writerow([shown_tag(name), count, "true" if is_kept else "false"])
    return text.getvalue()


def shown_tag(tag: str) -> str:
    """`tag` as tag_counts.csv has it: neither a spreadsheet nor a page of DVC's runs it."""
    shown = _LIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", tag)
    return "'" + shown if tag[0] in _FORMULA else shown


def manifest(
    tables: Mapping[str, pa.Table],
    params: Params,
    *,
    report: Mapping[str, Any],
    sources: Mapping[str, Mapping[str, object]],
) -> dict[str, Any]:
    """manifest.json: counts (of `report`, threshold.json), parameters, received bytes, the digest of every table."""
    schemas = table_schemas(id_kind_of(tables["threshold/projects"]))
    shown = dump_params(params)
    return {
        "schema": 1,
        "content_sha256": report["content_sha256"],
        "counts": {
            **report["projects"],
            "n_tags_seen": report["tags"]["n_seen"],
            "n_tags_kept": report["tags"]["n_kept"],
            "n_tag_uses": report["tag_uses"]["n_in"],
            "n_tag_uses_kept": report["tag_uses"]["n_kept"],
        },
        "params": {section: shown[section] for section in SHAPING},
        "sources": {name: received["sha256"] for name, received in sources.items()},
        "tables": {
            name: {"n_rows": tables[name].num_rows, "sha256": table_sha256(tables[name], schema)}
            for name, schema in schemas.items()
        },
    }


def table_schemas(kind: IdType) -> dict[str, pa.Schema]:
    """STAGE/TABLE -> schema, for every table that the manifest covers."""
    return {
        "annotate/projects": labeled_projects(kind),
        "annotate/tag_uses": tag_uses(kind),
        "threshold/projects": labeled_projects(kind),
        "threshold/tags": TAGS,
    }

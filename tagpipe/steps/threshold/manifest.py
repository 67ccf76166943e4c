"""manifest.json."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tagpipe.params import SHAPING, Params, dump_params
from tagpipe.tables.digest import table_sha256
from tagpipe.tables.reports.manifest import BuiltParams, Manifest, ManifestCounts, TableDigest
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ReceivedSource
from tagpipe.tables.schemas import id_kind_of, table_schemas


def make_manifest(
    tables: Mapping[str, pa.Table],
    params: Params,
    *,
    report: ThresholdReport,
    sources: Mapping[str, ReceivedSource],
) -> Manifest:
    """The manifest of a version: its counts, parameters, received bytes, and the digest of every table."""
    sections = dump_params(params)
    return Manifest(
        content_sha256=report.content_sha256,
        counts=ManifestCounts(
            **report.projects.model_dump(),
            n_tags_seen=report.tags.n_seen,
            n_tags_kept=report.tags.n_kept,
            n_tag_uses=report.tag_uses.n_in,
            n_tag_uses_kept=report.tag_uses.n_kept,
        ),
        params=BuiltParams.model_validate({section: sections[section] for section in SHAPING}),
        sources={name: source.sha256 for name, source in sources.items()},
        tables={
            name: TableDigest(n_rows=tables[name].num_rows, sha256=table_sha256(tables[name], schema))
            for name, schema in table_schemas(id_kind_of(tables["threshold/projects"])).items()
        },
    )

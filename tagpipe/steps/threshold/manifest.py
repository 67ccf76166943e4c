"""Reports that span more than one step: validation.json and manifest.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tagpipe.params import SHAPING, Params, dump_params
from tagpipe.tables.digest import table_sha256
from tagpipe.tables.schemas import id_kind_of, table_schemas


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

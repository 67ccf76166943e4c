"""The digest of a peer's result: equal for equal values, whatever library wrote the file."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq

from tagpipe.tables.digest import table_sha256
from tagpipe.tables.schemas import labeled_projects


def digest_result(path: Path) -> str:
    """sha256 over the values of a labeled Parquet file; raises if it has other columns or types that do not cast."""
    schema = labeled_projects("integer")
    table = pq.read_table(path)
    if table.column_names != schema.names:
        raise ValueError(f"{path.name}: columns {table.column_names}, not {schema.names}")
    return table_sha256(table.cast(schema).combine_chunks(), schema)


def main() -> None:
    """python -m benchmarks.digest FILE"""
    print(digest_result(Path(sys.argv[1])))


if __name__ == "__main__":
    main()

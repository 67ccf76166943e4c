"""polars: a bare full join on id, and the tags of both sides compared as sets. With `--texts` also text and date.

Lists are compared before sets are made of them, as most projects are the same: the tags of both files ascend.
"""

from __future__ import annotations

import sys

import polars as pl

from benchmarks.diff_result import LABELED, read_sides, write_result


def main() -> None:
    """python -m benchmarks.diff_peer_polars BASE HEAD OUT [--texts]"""
    base, head, out = read_sides()
    columns = ["id", "tags", *(["created_on", "text"] if "--texts" in sys.argv else [])]
    ours, theirs = (pl.scan_parquet(side / LABELED).select(columns) for side in (base, head))
    joined = ours.join(theirs, on="id", how="full", suffix="_head")
    differs = [pl.col(name).ne_missing(pl.col(f"{name}_head")) for name in columns[1:]]
    changed = joined.filter(pl.any_horizontal(differs)).collect(engine="streaming")
    both = changed.select(pl.col("tags", "tags_head").fill_null([]))
    removed = both["tags"].list.set_difference(both["tags_head"]).list.len()
    added = both["tags_head"].list.set_difference(both["tags"]).list.len()
    n_projects = int(((added > 0) | (removed > 0)).sum())
    write_result(out, n_projects=n_projects, n_added=int(added.sum()), n_removed=int(removed.sum()))


if __name__ == "__main__":
    main()

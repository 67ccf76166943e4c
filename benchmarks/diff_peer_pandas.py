"""pandas: an outer merge on id, then Python sets of the tags of each project whose tags differ."""

from __future__ import annotations

import pandas as pd

from benchmarks.diff_result import LABELED, read_sides, write_result


def main() -> None:
    """python -m benchmarks.diff_peer_pandas BASE HEAD OUT"""
    base, head, out = read_sides()
    ours, theirs = (pd.read_parquet(side / LABELED, columns=["id", "tags"]) for side in (base, head))
    joined = ours.merge(theirs, on="id", how="outer", suffixes=("", "_head"))
    n_projects = n_added = n_removed = 0
    for old, new in zip(joined["tags"], joined["tags_head"], strict=True):
        had, has = (set() if isinstance(tags, float) else set(tags) for tags in (old, new))
        if had != has:
            n_projects, n_added, n_removed = n_projects + 1, n_added + len(has - had), n_removed + len(had - has)
    write_result(out, n_projects=n_projects, n_added=n_added, n_removed=n_removed)


if __name__ == "__main__":
    main()

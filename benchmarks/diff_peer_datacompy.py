"""datacompy: its comparison of two pandas frames on id, with the tags joined to one text, as it compares no lists.

It gives the rows that differ; their labels are counted from the texts. It needs pandas before 3.1, so it runs in an
environment of its own, which `diff_run` makes.
"""

from __future__ import annotations

import datacompy
import pandas as pd

from benchmarks.diff_result import LABELED, read_sides, write_result

SEPARATOR = "|"


def main() -> None:
    """python -m benchmarks.diff_peer_datacompy BASE HEAD OUT"""
    base, head, out = read_sides()
    frames = [pd.read_parquet(side / LABELED, columns=["id", "tags"]) for side in (base, head)]
    for frame in frames:
        frame["tags"] = frame["tags"].map(SEPARATOR.join)
    found = datacompy.PandasCompare(*frames, join_columns="id", df1_name="base", df2_name="head")
    rows = found.all_mismatch()
    pairs = list(zip(rows["tags_base"], rows["tags_head"], strict=True))
    pairs += [(tags, "") for tags in found.df1_unq_rows["tags"]] + [("", tags) for tags in found.df2_unq_rows["tags"]]
    n_projects = n_added = n_removed = 0
    for old, new in pairs:
        had, has = ({*tags.split(SEPARATOR)} - {""} for tags in (old, new))
        if had != has:
            n_projects, n_added, n_removed = n_projects + 1, n_added + len(has - had), n_removed + len(had - has)
    write_result(out, n_projects=n_projects, n_added=n_added, n_removed=n_removed)


if __name__ == "__main__":
    main()

"""pandas in columns: explode the lists, map the distinct tags, group them again."""

from __future__ import annotations

import json

import pandas as pd

from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, Job, normalize_tag, read_job


def build(job: Job) -> pd.DataFrame:
    """The labeled projects."""
    with job.projects.open(encoding="utf-8") as file:
        projects = pd.DataFrame(json.load(file)).set_index("id")
    uses = resolve_uses(projects["tags"], job.load_names())
    n_projects = uses["tag"].value_counts()
    uses = uses[uses["tag"].isin(n_projects.index[n_projects >= job.min_projects])]
    # As objects: pandas 3.1 cuts Arrow-backed text into groups half as fast.
    uses = uses.sort_values(["id", "tag"]).astype({"tag": object})
    labelsets = uses.groupby("id", sort=True)["tag"].agg(list)
    labeled = projects.loc[labelsets.index]
    description = labeled["description"]
    text = labeled["title"].where(description == "", labeled["title"] + " " + description)
    text = text.where(labeled["title"] != "", description)
    created_on = pd.to_datetime(labeled["created_on"], utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame({"created_on": created_on, "text": text, "tags": labelsets}).reset_index()


def resolve_uses(tags: pd.Series, names: dict[str, str]) -> pd.DataFrame:
    """One row (id, tag) for every vocabulary tag of every project."""
    exploded = tags.explode().dropna()
    distinct = pd.Series(exploded.unique())
    tag_of = dict(zip(distinct, distinct.map(normalize_tag).map(names), strict=True))
    return exploded.map(tag_of).dropna().rename("tag").reset_index().drop_duplicates()


def main() -> None:
    """python -m benchmarks.peer_explode FOLDER OUT"""
    job = read_job()
    build(job).to_parquet(job.out, index=False, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)


if __name__ == "__main__":
    main()

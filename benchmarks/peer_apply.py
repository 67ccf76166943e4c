"""pandas, row by row: lists of tags, functions applied to each, a Counter over them; as a course notebook has it."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd

from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, Job, normalize_tag, read_job


def build(job: Job) -> pd.DataFrame:
    """The labeled projects."""
    projects = pd.DataFrame(json.loads(job.projects.read_text("utf-8")))
    names = job.load_names()
    projects["text"] = projects.apply(join_text, axis=1)
    projects["tags"] = projects["tags"].apply(clean_tags, names=names)
    counts = Counter(tag for tags in projects["tags"] for tag in tags)
    kept = {tag for tag, n_projects in counts.items() if n_projects >= job.min_projects}
    projects["tags"] = projects["tags"].apply(lambda tags: sorted(tag for tag in tags if tag in kept))
    projects = projects[projects["tags"].apply(len) > 0].sort_values("id")
    projects["created_on"] = pd.to_datetime(projects["created_on"], utc=True).astype("datetime64[us, UTC]")
    return projects[["id", "created_on", "text", "tags"]]


def join_text(project: pd.Series) -> str:
    """Title and description."""
    return " ".join(part for part in (project["title"], project["description"]) if part)


def clean_tags(tags: list[str], names: dict[str, str]) -> list[str]:
    """The tags that are in the vocabulary, each once."""
    cleaned: list[str] = []
    for raw in tags:
        tag = names.get(normalize_tag(raw))
        if tag is not None and tag not in cleaned:
            cleaned.append(tag)
    return cleaned


def main() -> None:
    """python -m benchmarks.peer_apply FOLDER OUT"""
    job = read_job()
    build(job).to_parquet(job.out, index=False, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)


if __name__ == "__main__":
    main()

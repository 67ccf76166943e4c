"""pandas, row by row: functions applied to each project, a Counter over the tags.

With `--lists` as a course notebook has it: names are looked for in plain lists. Without, in a dict and a set.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable

import pandas as pd

from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, Job, normalize_tag, read_job


def build(job: Job, *, with_lists: bool) -> pd.DataFrame:
    """The labeled projects."""
    projects = pd.DataFrame(json.loads(job.projects.read_text("utf-8")))
    projects["text"] = projects.apply(join_text, axis=1)
    projects["tags"] = projects["tags"].apply(clean_tags, find=finder(job.load_names(), with_lists=with_lists))
    counts = Counter(itertools.chain.from_iterable(projects["tags"].values))
    above = [tag for tag, n_projects in counts.items() if n_projects >= job.min_projects]
    projects["tags"] = projects["tags"].apply(cut_tags, above=above if with_lists else set(above))
    projects = projects[projects["tags"].apply(len) > 0].sort_values("id")
    projects["created_on"] = pd.to_datetime(projects["created_on"], utc=True).astype("datetime64[us, UTC]")
    return projects[["id", "created_on", "text", "tags"]]


def finder(names: dict[str, str], *, with_lists: bool) -> Callable[[str], str | None]:
    """Normalised name -> tag, or None."""
    if not with_lists:
        return names.get
    include, tags = list(names), list(names.values())
    return lambda name: tags[include.index(name)] if name in include else None


def join_text(project: pd.Series) -> str:
    """Title and description."""
    return " ".join(part for part in (project["title"], project["description"]) if part)


def clean_tags(tags: list[str], find: Callable[[str], str | None]) -> list[str]:
    """The tags that are in the vocabulary, each once."""
    cleaned: list[str] = []
    for raw in tags:
        tag = find(normalize_tag(raw))
        if tag is not None and tag not in cleaned:
            cleaned.append(tag)
    return cleaned


def cut_tags(tags: list[str], above: list[str] | set[str]) -> list[str]:
    """The tags above the cut."""
    return sorted(tag for tag in tags if tag in above)


def main() -> None:
    """python -m benchmarks.peer_apply FOLDER OUT [--lists]"""
    job = read_job()
    projects = build(job, with_lists="--lists" in sys.argv)
    projects.to_parquet(job.out, index=False, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL)


if __name__ == "__main__":
    main()

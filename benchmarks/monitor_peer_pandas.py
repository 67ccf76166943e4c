"""The same the straightforward way: pandas joins and groups, then SciPy one tag at a time, for the most used tags.

    python -m benchmarks.monitor_peer_pandas FOLDER OUT N_TAGS

Text columns are categories, as a careful user would have them. It does less than the stage: N_TAGS candidates instead
of all, so no false discovery rates; no fading tags; nothing on what adding a tag would do. Months are taken as they
are: the generated data has no month that is too small.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from rapidfuzz import fuzz, process
from scipy import stats

from benchmarks.monitor_peer_tagpipe import COMPARED
from benchmarks.rule import normalize_tag

N_RECENT = 2
NEAR = 70.0


def read_uses(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(uses: form, is_out, month, day; projects: month), repeats within a project left out."""
    projects = pq.read_table(folder / "data/annotated/projects.parquet", columns=["id", "created_on"]).to_pandas()
    projects["day"] = projects["created_on"].dt.floor("D")
    projects["month"] = projects["created_on"].dt.strftime("%Y-%m").astype("category")
    ledger = pq.read_table(
        folder / "data/annotated/tag_uses.parquet",
        columns=["project_id", "normalized_tag", "outcome"],
        read_dictionary=["normalized_tag", "outcome"],
    ).to_pandas()
    ledger = ledger[~ledger["outcome"].isin(["duplicate", "implied"])]
    uses = ledger.merge(projects[["id", "day", "month"]], left_on="project_id", right_on="id", how="left")
    uses["is_out"] = uses["outcome"] == "out_of_vocabulary"
    return uses[["normalized_tag", "is_out", "day", "month"]], projects


def find_ignored(forms: pd.Index, folder: Path) -> set[str]:
    """The forms that ignore.json names, by Python's regular expressions."""
    tree = json.loads((folder / "data/curation/ignore.json").read_bytes())
    tags, pattern = set(tree["tags"]), re.compile("|".join(f"(?:{each})" for each in tree["patterns"]))
    return {form for form in forms if form in tags or pattern.fullmatch(form)}


def describe_periods(uses: pd.DataFrame, projects: pd.DataFrame) -> list[list[Any]]:
    """Period, projects, distinct forms, forms used once."""
    sizes = projects.groupby("month", observed=True).size()
    counts = uses.groupby(["month", "normalized_tag"], observed=True).size()
    by_month = counts.groupby(level="month", observed=True)
    n_forms, n_single = by_month.size(), (counts == 1).groupby(level="month", observed=True).sum()
    return [[month, int(sizes[month]), int(n_forms[month]), int(n_single[month])] for month in sizes.index]


def describe_tag(
    form: str, uses: pd.DataFrame, sizes: pd.Series, numbers: dict[str, int], n_all: int, names: dict[str, str]
) -> dict[str, Any]:
    """One candidate."""
    by_day, by_month = uses.groupby("day").size(), uses.groupby("month", observed=True).size()
    n_projects = len(uses)
    recent = int(sum(by_month.get(month, 0) for month in list(sizes.index)[-N_RECENT:]))
    n_recent = int(sizes.iloc[-N_RECENT:].sum())
    table = [[recent, n_recent - recent], [n_projects - recent, n_all - n_recent - n_projects + recent]]
    match = process.extractOne(form, list(names), scorer=fuzz.ratio, score_cutoff=NEAR)
    values = (
        n_projects,
        by_day.index.min().date().isoformat(),
        by_day.index.max().date().isoformat(),
        len(by_day),
        len(by_month),
        by_day.max() / n_projects,
        stats.binomtest(n_projects, n_all).proportion_ci(0.95, "wilson").low,
    )
    return {
        **{name: shorten(value) for name, value in zip(COMPARED, values, strict=True)},
        "trend_p": shorten(test_trend(by_month, sizes, numbers, n_all)),
        "burst_p": shorten(float(stats.fisher_exact(table, alternative="greater").pvalue)),
        "nearest": names[match[0]] if match else None,
    }


def test_trend(by_month: pd.Series, sizes: pd.Series, numbers: dict[str, int], n_all: int) -> float:
    """One-sided p of the Cochran-Armitage test, by its formula."""
    share = by_month.sum() / n_all
    mean = sum(numbers[month] * size for month, size in sizes.items()) / n_all
    spread = sum(numbers[month] ** 2 * size for month, size in sizes.items()) - n_all * mean**2
    score = sum(count * (numbers[month] - mean) for month, count in by_month.items())
    return float(stats.norm.sf(score / math.sqrt(share * (1 - share) * spread)))


def shorten(value: Any) -> Any:
    """Six significant digits of a float, a plain integer otherwise."""
    if isinstance(value, float | np.floating):
        return float(f"{value:.6g}")
    return int(value) if isinstance(value, np.integer) else value


def read_names(folder: Path) -> dict[str, str]:
    """Every name of the vocabulary -> its tag."""
    names: dict[str, str] = {}
    tree = json.loads((folder / "data/validated/vocabulary.json").read_bytes())["tags"]
    for entry in tree:
        names.update({normalize_tag(alias): entry["tag"] for alias in entry["aliases"]})
    names.update({normalize_tag(entry["tag"]): entry["tag"] for entry in tree})
    return dict(sorted(names.items()))


def main() -> None:
    """python -m benchmarks.monitor_peer_pandas FOLDER OUT N_TAGS"""
    folder, out, n_tags = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    uses, projects = read_uses(folder)
    outside = uses[uses["is_out"]].groupby("normalized_tag", observed=True).size()
    ignored = find_ignored(outside.index, folder)
    uses = uses[~uses["normalized_tag"].isin(ignored)]
    sizes = projects.groupby("month", observed=True).size()
    numbers = {month: at for at, month in enumerate(sizes.index)}
    counts = outside[~outside.index.isin(ignored)]
    chosen = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:n_tags]
    names = read_names(folder)
    groups = uses[uses["normalized_tag"].isin([form for form, _ in chosen])].groupby("normalized_tag", observed=True)
    candidates = {form: describe_tag(form, rows, sizes, numbers, len(projects), names) for form, rows in groups}
    found = {"periods": describe_periods(uses, projects), "candidates": candidates}
    out.write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()

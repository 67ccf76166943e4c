"""polars: lazy queries on the streaming engine; every distinct raw tag is normalised once, then joined.

Tried at 1,000,000 projects, one to three runs each, and not faster than this: `read_json` on the array (more than twice
the wall time of splitting it into lines), categorical tags, lists changed in place with `list.eval`, the in-memory
engine, `collect` and `write_parquet` in place of a sink.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import polars as pl

from benchmarks.rule import COMPRESSION, COMPRESSION_LEVEL, Job, normalize_tag, read_job

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.Int64,
    "created_on": pl.String,
    "title": pl.String,
    "description": pl.String,
    "tags": pl.List(pl.String),
}
BLOCK_BYTES = 4 << 20
BETWEEN = b'},{"id":'
"""What stands between two records and, as it holds a bare quote, in no text."""


def build(job: Job) -> None:
    """Write the labeled projects."""
    projects = read_projects(job.projects).lazy()
    raw = projects.select(pl.col("tags").explode().unique()).collect(engine="streaming")["tags"]
    uses = (
        projects.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), raw="tags")
        .explode("raw")
        .join(resolve_tags(raw, job.load_names()).lazy(), on="raw")
        .select("row", "tag")
        .unique()
        .collect(engine="streaming")
        .lazy()
    )
    kept = uses.group_by("tag").len().filter(pl.col("len") >= job.min_projects)
    labelsets = (
        uses.join(kept, on="tag", how="semi").sort("row", "tag").group_by("row", maintain_order=True).agg(tags="tag")
    )
    labeled = projects.drop("tags").with_row_index("row").join(labelsets, on="row").drop("row").sort("id")
    labeled.with_columns(pl.col("tags").cast(pl.List(pl.String))).sink_parquet(
        job.out, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL, engine="streaming"
    )


def read_projects(path: Path) -> pl.DataFrame:
    """id, created_on, text and raw tags of all projects."""
    parts = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in ("title", "description")]
    sources: list[IO[bytes]] = [io.BytesIO(block) for block in iter_lines(path)]
    return (
        pl.scan_ndjson(sources, schema=SCHEMA)
        .select(
            "id",
            pl.col("created_on").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC"),
            pl.concat_str(parts, separator=" ", ignore_nulls=True).alias("text"),
            "tags",
        )
        .collect(engine="streaming")
    )


def iter_lines(path: Path) -> Iterator[bytes]:
    """The array as blocks of newline-delimited records."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start, last = 1, len(data) - 1
        while start < last:
            found = data.find(BETWEEN, start + BLOCK_BYTES)
            end = found + 1 if found >= 0 else last
            yield data[start:end].replace(BETWEEN, b"}\n" + BETWEEN[2:])
            start = end + 1


def resolve_tags(raw: pl.Series, names: dict[str, str]) -> pl.DataFrame:
    """raw, tag (an Enum in ascending order) of every distinct raw tag that is in the vocabulary."""
    kind = pl.Enum(sorted(set(names.values())))
    is_ascii = raw.str.contains("^[!-~ ]*$")
    ascii_forms = pl.col("raw").str.strip_chars(" ").str.to_lowercase().str.replace_all("[ _]+", "-").alias("form")
    rest = raw.filter(~is_ascii)
    rest_forms = pl.Series("form", [normalize_tag(tag) for tag in rest], dtype=pl.String)
    forms = pl.concat(
        [
            raw.filter(is_ascii).to_frame("raw").with_columns(ascii_forms),
            rest.to_frame("raw").with_columns(rest_forms),
        ]
    )
    tags = pl.col("form").replace_strict(names, default=None, return_dtype=kind)
    return forms.select("raw", tag=tags).drop_nulls("tag")


def main() -> None:
    """python -m benchmarks.peer_polars FOLDER OUT"""
    build(read_job())


if __name__ == "__main__":
    main()

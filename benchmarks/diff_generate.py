"""Two dataset versions that differ in the labels of 1 % of the projects, as `tagpipe build` writes them.

    python -m benchmarks.diff_generate 1000000 benchmarks/out/diff-1000000

The projects are those of `generate.py` (texts, dates and ten raw tags in the real shapes), with further vocabulary tags
on each, so that five labels a project are left after the cut. Three folders come out: base; head, where one project in
a hundred has one vocabulary tag less and another one more; and factors, head with three more edits (an alias for a
frequent unknown tag, one general tag less to exclude, another cut).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tagpipe
from benchmarks import generate
from benchmarks.rule import hash_generator
from tagpipe.io.repository.yaml_file import set_values

PARAMS = Path(__file__).parent.parent / "params.yaml"
CHANGED_SHARE = 0.01
MORE_TAGS = 3
"""Further vocabulary tags of each project, on average a bit fewer, as some are there already."""


def generate_pair(n_projects: int, folder: Path) -> None:
    """Write the three versions, then done.json: where it stands, the folder is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "done.json"
    done.unlink(missing_ok=True)
    vocabulary = generate.make_vocabulary(np.random.Generator(np.random.PCG64(generate.SEED)))
    edited = add_alias(vocabulary, "code", generate.EXCLUDE[-1])
    for name, tree in (("vocabulary", vocabulary), ("edited", edited)):
        (folder / f"{name}.json").write_text(json.dumps(tree), "utf-8")
    sources = folder / "base.json", folder / "head.json"
    write_sources(*sources, n_projects, vocabulary)
    cut = round(n_projects * generate.REAL_MIN_PROJECTS / generate.N_REAL_PROJECTS)
    build(folder, "base", sources[0], "vocabulary", generate.EXCLUDE, cut)
    build(folder, "head", sources[1], "vocabulary", generate.EXCLUDE, cut)
    build(folder, "factors", sources[1], "edited", generate.EXCLUDE[:-1], cut * 2)
    for path in sources:
        path.unlink()
    done.write_text(json.dumps(describe_generator()), "utf-8")


def describe_generator() -> dict[str, str]:
    """What made the data: data that another generator made is made anew."""
    return {"generator": hash_generator(Path(__file__).name), "source": hash_generator()}


def add_alias(vocabulary: dict[str, Any], alias: str, tag: str) -> dict[str, Any]:
    """The vocabulary with one alias more."""
    entry = vocabulary[tag]
    return {**vocabulary, tag: {**entry, "aliases": [*entry["aliases"], alias]}}


def write_sources(base: Path, head: Path, n_projects: int, vocabulary: dict[str, Any]) -> None:
    """Both sources, record by record in the same order; the same bytes each time."""
    rng = np.random.Generator(np.random.PCG64(generate.SEED + 1))
    tags = [tag for tag in vocabulary if tag not in generate.EXCLUDE]
    with base.open("wb") as ours, head.open("wb") as theirs:
        opening = b"["
        for first in range(0, n_projects, generate.CHUNK_ROWS):
            records = iter_pairs(min(generate.CHUNK_ROWS, n_projects - first), first, tags, vocabulary, rng)
            for record, edited in records:
                ours.write(opening + record)
                theirs.write(opening + edited)
                opening = b","
        for file in (ours, theirs):
            file.write(b"]")


def iter_pairs(
    n_rows: int, first: int, tags: list[str], vocabulary: dict[str, Any], rng: np.random.Generator
) -> Iterator[tuple[bytes, bytes]]:
    """Each record of base and of head."""
    names, words = generate.make_names(vocabulary), generate.make_words(rng)
    weights = np.cumsum((np.arange(len(tags)) + 1 + generate.VOCABULARY_SHIFT) ** -generate.VOCABULARY_EXPONENT)
    more = np.searchsorted(weights[:-1] / weights[-1], rng.random((n_rows, MORE_TAGS + 1)))
    changes = rng.random(n_rows) < CHANGED_SHARE
    # Ids ascend with gaps: the versions share their order, as the labeled tables do.
    ids = (first + np.arange(n_rows)) * 6 // 5 + 1
    for text, row, is_changed in zip(
        generate.iter_records(ids, names, words, rng), more.tolist(), changes.tolist(), strict=True
    ):
        record = json.loads(text)
        *further, other = (tags[at] for at in row)
        record["tags"] = list(dict.fromkeys([*record["tags"], *further]))
        line = dump(record)
        yield line, dump(change_tags(record, further[0], other)) if is_changed else line


def change_tags(record: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The record without one of its tags, and with another."""
    return record | {"tags": [tag for tag in record["tags"] if tag != old] + [new]}


def dump(record: dict[str, Any]) -> bytes:
    """One record as the source holds it."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def build(
    folder: Path, name: str, projects: Path, vocabulary: str, exclude: tuple[str, ...], min_projects: int
) -> None:
    """One version, by the real writer."""
    params = folder / f"{name}.yaml"
    params.write_bytes(PARAMS.read_bytes())
    set_values(
        params,
        {
            ("annotate", "exclude"): list(exclude),
            ("annotate", "parents"): "keep",
            ("threshold", "min_projects"): min_projects,
        },
    )
    tagpipe.build(projects, folder / f"{vocabulary}.json", params=params, out=folder / name)


def main() -> None:
    """python -m benchmarks.diff_generate N_PROJECTS FOLDER"""
    generate_pair(int(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()

"""The one job that every peer does: its inputs, its parameters and its output."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMPRESSION: Final = "zstd"
COMPRESSION_LEVEL: Final = 1
"""Of every peer's Parquet file; each of the libraries can write it."""

_SEPARATORS = re.compile(r"[\s_]+")


@dataclass(frozen=True)
class Job:
    """Build `out` from the projects and the vocabulary.

    out: a Parquet file of the labeled projects: id (int64), created_on (timestamp, microseconds, UTC), text (string),
    tags (list of string, ascending), by ascending id.
    exclude: general tags to leave out. min_projects: the cut.
    """

    projects: Path
    vocabulary: Path
    exclude: tuple[str, ...]
    min_projects: int
    out: Path

    def load_names(self) -> dict[str, str]:
        """Normalised name -> tag, for every name that include and exclude let through."""
        return names_of(json.loads(self.vocabulary.read_text("utf-8")), self.exclude)


def hash_generator(module: str = "generate.py") -> str:
    """sha256 of generate.py, which rule.json names: data that another one made is made anew."""
    return hashlib.sha256(Path(__file__).with_name(module).read_bytes()).hexdigest()


def read_job(arguments: list[str] | None = None) -> Job:
    """The job of a peer's command line: FOLDER (of `generate.py`) OUT."""
    folder, out = (Path(argument) for argument in (sys.argv[1:] if arguments is None else arguments)[:2])
    rule = json.loads((folder / "rule.json").read_text("utf-8"))
    return Job(
        folder / "projects.json",
        folder / "vocabulary.json",
        tuple(rule["exclude"]),
        rule["min_projects"],
        out,
    )


def normalize_tag(raw: str) -> str:
    """NFKC, stripped, casefolded, runs of white space or `_` as one `-`.

    >>> normalize_tag(" Graph_Embedding ")
    'graph-embedding'
    """
    return _SEPARATORS.sub("-", unicodedata.normalize("NFKC", raw).strip().casefold())


def names_of(vocabulary: dict[str, dict[str, list[str]]], exclude: tuple[str, ...]) -> dict[str, str]:
    """Normalised name -> tag; a canonical name beats an alias.

    >>> names_of({"b": {"aliases": ["A", "bee"]}, "a": {"aliases": []}, "c": {"aliases": []}}, ("c",))
    {'a': 'a', 'bee': 'b', 'b': 'b'}
    """
    names = {normalize_tag(alias): tag for tag, entry in vocabulary.items() for alias in entry["aliases"]}
    names |= {normalize_tag(tag): tag for tag in vocabulary}
    excluded = {names.get(normalize_tag(name)) for name in exclude}
    return {name: tag for name, tag in names.items() if tag not in excluded}

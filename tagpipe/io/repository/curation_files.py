"""The files of people's decisions about tags, whose paths are dependencies of the stage monitor in dvc.yaml.

A dataset repository may lack either list: that says what an empty one says. DVC alone needs it to be there, so
`tagpipe run` writes the empty form of what is missing.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.io.repository.layout import DVC_FILE, Layout
from tagpipe.vocabulary.curation_lists import (
    DistinctNames,
    Ignored,
    empty_file,
    parse_ignored,
    parse_not_same,
)

STAGE = "monitor"
IGNORE_FILE = "ignore.json"
NOT_SAME_FILE = "not-same.json"
LOG_FILE = "vocabulary-log.jsonl"
EMPTY_FILES = {IGNORE_FILE: empty_file("tags"), NOT_SAME_FILE: empty_file("pairs")}
"""The bytes of each list without an element."""


def curation_file(layout: Layout, name: str) -> Path:
    """Where the file called `name` is, or would be. Raises ConfigError if dvc.yaml has no monitor."""
    if STAGE not in layout.stages:  # made before there was one
        raise ConfigError(
            f"has no stage {STAGE}, so there is no place for decisions about tags, nor for the log of edits",
            file=DVC_FILE,
            fix=f"Make another dataset repository with `tagpipe init DIR`, and copy from it: the stage {STAGE} of "
            f"dvc.yaml, the section {STAGE} of params.yaml (and each other one that yours lacks) with its schema, "
            "the folder data/curation",
        )
    return layout.dep(STAGE, IGNORE_FILE).with_name(name)


def read_ignored(layout: Layout) -> Ignored:
    """ignore.json; without it, nothing is ignored. Raises InputError if it is not of its form."""
    data, file = _read(layout, IGNORE_FILE)
    return parse_ignored(data, file=file)


def read_not_same(layout: Layout) -> DistinctNames:
    """not-same.json; without it, no names are distinct. Raises InputError if it is not of its form."""
    data, file = _read(layout, NOT_SAME_FILE)
    return parse_not_same(data, file=file)


def write_missing_lists(layout: Layout) -> list[str]:
    """Write the empty form of each list that is missing but that the stage depends on. Return their paths."""
    deps = layout.stages[STAGE].deps if STAGE in layout.stages else ()
    missing = [path for path in deps if PurePosixPath(path).name in EMPTY_FILES and not (layout.root / path).exists()]
    for path in missing:
        write_bytes(layout.root / path, EMPTY_FILES[PurePosixPath(path).name])
    return missing


def _read(layout: Layout, name: str) -> tuple[bytes, str]:
    """(bytes, path in the dataset repository) of a list; of an empty one where there is no such file."""
    path = curation_file(layout, name) if STAGE in layout.stages else None  # older ones may have no monitor
    if path is None or not path.is_file():
        return EMPTY_FILES[name], name
    return read_bytes(path), path.relative_to(layout.root).as_posix()

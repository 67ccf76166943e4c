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
    dump_ignored,
    dump_not_same,
    parse_ignored,
    parse_not_same,
)

STAGE = "monitor"
IGNORE_FILE = "ignore.json"
NOT_SAME_FILE = "not-same.json"
LOG_FILE = "vocabulary-log.jsonl"


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
    found = _read(layout, IGNORE_FILE)
    return Ignored() if found is None else parse_ignored(found[1], file=found[0])


def read_not_same(layout: Layout) -> DistinctNames:
    """not-same.json; without it, no names are distinct. Raises InputError if it is not of its form."""
    found = _read(layout, NOT_SAME_FILE)
    return DistinctNames() if found is None else parse_not_same(found[1], file=found[0])


def write_missing_lists(layout: Layout) -> list[str]:
    """Write the empty form of each list that the stage depends on and that is missing; their paths."""
    empty = {IGNORE_FILE: dump_ignored(Ignored()), NOT_SAME_FILE: dump_not_same(DistinctNames())}
    deps = layout.stages[STAGE].deps if STAGE in layout.stages else ()
    missing = [path for path in deps if PurePosixPath(path).name in empty and not (layout.root / path).exists()]
    for path in missing:
        write_bytes(layout.root / path, empty[PurePosixPath(path).name])
    return missing


def _read(layout: Layout, name: str) -> tuple[str, bytes] | None:
    """(path in the dataset repository, bytes); None where there is no such file."""
    if STAGE not in layout.stages:  # made before there was a monitor
        return None
    path = curation_file(layout, name)
    return (path.relative_to(layout.root).as_posix(), read_bytes(path)) if path.is_file() else None

"""The files of people's decisions about tags, whose paths are dependencies of the stage monitor in dvc.yaml."""

from __future__ import annotations

from pathlib import Path

from tagpipe.core.curation import Ignored, NotSame, parse_ignored, parse_not_same
from tagpipe.io.files import read_bytes
from tagpipe.io.layout import Layout

STAGE = "monitor"
IGNORE_FILE = "ignore.json"
NOT_SAME_FILE = "not-same.json"
LOG_FILE = "vocabulary-log.jsonl"


def curation_file(layout: Layout, name: str) -> Path:
    """Where the file called `name` is, or would be. Raises ConfigError if the project's dvc.yaml has no monitor."""
    return layout.dep(STAGE, IGNORE_FILE).with_name(name)


def read_ignored(layout: Layout) -> Ignored:
    """ignore.json; a project without one ignores nothing. Raises InputError if it is not of its form."""
    found = _read(layout, IGNORE_FILE)
    return Ignored() if found is None else parse_ignored(found[1], file=found[0])


def read_not_same(layout: Layout) -> NotSame:
    """not-same.json; a project without one tells nothing apart. Raises InputError if it is not of its form."""
    found = _read(layout, NOT_SAME_FILE)
    return NotSame() if found is None else parse_not_same(found[1], file=found[0])


def _read(layout: Layout, name: str) -> tuple[str, bytes] | None:
    """(path in the project, bytes); None where there is no such file."""
    if STAGE not in layout.stages:  # made before there was a monitor
        return None
    path = curation_file(layout, name)
    return (path.relative_to(layout.root).as_posix(), read_bytes(path)) if path.is_file() else None

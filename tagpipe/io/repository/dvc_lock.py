"""Reading dvc.lock."""

from __future__ import annotations

from typing import Any

from tagpipe.errors import ConfigError
from tagpipe.io.repository.yaml_file import parse_yaml

LOCK_FILE = "dvc.lock"


def find_conflict(data: bytes) -> int | None:
    """Number of the line with the first conflict marker of git; None if there is none."""
    lines = enumerate(data.splitlines(), 1)
    return next((number for number, line in lines if line.startswith(b"<<<<<<< ")), None)


def parse_lock(data: bytes) -> dict[str, dict[str, Any]]:
    """The stages of a dvc.lock, by name. Raises ConfigError, which names a way out as DVC's own message does not."""
    line = find_conflict(data)
    if line is not None:
        raise _lock_error(f"has an unresolved merge conflict (line {line})")
    try:
        tree = parse_yaml(data, file=LOCK_FILE)
    except ConfigError as error:
        raise _lock_error(error.what) from None
    stages = tree.get("stages", {}) if isinstance(tree, dict) and "schema" in tree else None
    if not isinstance(stages, dict) or not all(_is_stage(stage) for stage in stages.values()):
        raise _lock_error("is not what DVC writes")
    return stages


def _is_stage(stage: object) -> bool:
    if not isinstance(stage, dict) or "cmd" not in stage:
        return False
    files = (stage.get("deps", []), stage.get("outs", []))
    return all(isinstance(entries, list) for entries in files) and all(
        isinstance(entry, dict) and "path" in entry for entries in files for entry in entries
    )


def _lock_error(what: str) -> ConfigError:
    return ConfigError(what, file=LOCK_FILE, fix="`git checkout dvc.lock` or resolve the conflict, then `tagpipe run`")

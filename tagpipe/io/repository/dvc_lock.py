"""Reading dvc.lock."""

from __future__ import annotations

from pydantic import ValidationError

from tagpipe.errors import ConfigError
from tagpipe.history.lock import RecordedLock
from tagpipe.io.repository.yaml_file import parse_yaml

LOCK_FILE = "dvc.lock"


def find_conflict(data: bytes) -> int | None:
    """Number of the line with the first conflict marker of git; None if there is none."""
    lines = enumerate(data.splitlines(), 1)
    return next((number for number, line in lines if line.startswith(b"<<<<<<< ")), None)


def parse_lock(data: bytes) -> RecordedLock:
    """The version that a dvc.lock records. Raises ConfigError, which names a way out as DVC's own message does not."""
    line = find_conflict(data)
    if line is not None:
        raise _lock_error(f"has an unresolved merge conflict (line {line})")
    try:
        tree = parse_yaml(data, file=LOCK_FILE)
    except ConfigError as error:
        raise _lock_error(error.what) from None
    try:
        return RecordedLock.model_validate(tree if isinstance(tree, dict) and "schema" in tree else None)
    except ValidationError:
        raise _lock_error("is not what DVC writes") from None


def _lock_error(what: str) -> ConfigError:
    return ConfigError(what, file=LOCK_FILE, fix="`git checkout dvc.lock` or resolve the conflict, then `tagpipe run`")

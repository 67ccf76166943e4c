"""Reading dvc.lock."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter, ValidationError

from tagpipe.errors import ConfigError
from tagpipe.io.repository.yaml_file import parse_yaml

LOCK_FILE = "dvc.lock"


def find_conflict(data: bytes) -> int | None:
    """Number of the line with the first conflict marker of git; None if there is none."""
    lines = enumerate(data.splitlines(), 1)
    return next((number for number, line in lines if line.startswith(b"<<<<<<< ")), None)


class LockedFile(BaseModel):
    """A dependency or output of a stage."""

    path: str
    md5: str | None = None
    """None for a file that was not hashed."""
    hash: str | None = None
    """The kind of hash; None in an entry written by DVC 2."""


class LockedStage(BaseModel):
    """A stage as it was when it last ran."""

    cmd: object
    deps: list[LockedFile] = []
    outs: list[LockedFile] = []


_STAGES = TypeAdapter(dict[str, LockedStage])


def parse_lock(data: bytes) -> dict[str, LockedStage]:
    """The stages of a dvc.lock, by name. Raises ConfigError, which names a way out as DVC's own message does not."""
    line = find_conflict(data)
    if line is not None:
        raise _lock_error(f"has an unresolved merge conflict (line {line})")
    try:
        tree = parse_yaml(data, file=LOCK_FILE)
    except ConfigError as error:
        raise _lock_error(error.what) from None
    try:
        return _STAGES.validate_python(tree.get("stages", {}) if isinstance(tree, dict) and "schema" in tree else None)
    except ValidationError:
        raise _lock_error("is not what DVC writes") from None


def _lock_error(what: str) -> ConfigError:
    return ConfigError(what, file=LOCK_FILE, fix="`git checkout dvc.lock` or resolve the conflict, then `tagpipe run`")

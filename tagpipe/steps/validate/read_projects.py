"""Received bytes to rows, by the form of the file."""

from __future__ import annotations

from tagpipe.errors import InputError
from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.json_projects import read_json_projects
from tagpipe.steps.validate.received_rows import Progress, ReceivedRows


def read_projects(
    data: ByteSource, suffix: str, params: ValidateParams, *, file: str, progress: Progress | None = None
) -> ReceivedRows:
    """All rows of a source. Raises InputError where the file as a whole is unreadable."""
    if suffix == ".csv":
        from tagpipe.steps.validate.csv_projects import read_csv_projects

        received = read_csv_projects(data[:], params, file=file)
    else:
        received = read_json_projects(data, suffix, params, file=file, progress=progress)
    if not received.n_rows:
        raise InputError("holds no projects", file=file, expected="at least one", fix="Check the source")
    return received

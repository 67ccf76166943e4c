"""The reports of a dataset version as files: each is written, read and checked by its model."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from tagpipe.errors import InputError
from tagpipe.io.repository.files import read_bytes, write_json
from tagpipe.io.repository.layout import Layout
from tagpipe.tables.reports.model import Report, describe_form_error

RESTORE = "Restore it (dvc checkout, git checkout), or build anew (tagpipe run)"

R = TypeVar("R", bound=Report)


def write_report(layout: Layout, report: Report) -> None:
    """Write the report as the output of its stage."""
    write_json(layout.out(*report.OUTPUT), report.as_dict())


def read_report(layout: Layout, model: type[R]) -> R:
    """Read the report that `model` describes. Raises InputError if it is missing or damaged."""
    path = layout.out(*model.OUTPUT)
    return parse_report(read_bytes(path), model, file=str(path))


def parse_report(data: bytes, model: type[R], *, file: str) -> R:
    """The report in `data`, the bytes of `file`. Raises InputError if they are damaged."""
    try:
        # Not pydantic's own parser: rejected.jsonl may hold lone surrogates, which it refuses.
        return model.model_validate(json.loads(data))
    except ValidationError as error:
        wrong = describe_form_error(error)
        raise InputError(
            "is not what tagpipe writes",
            file=file,
            field=wrong.field,
            found=wrong.found,
            expected=wrong.expected,
            fix=RESTORE,
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", file=file, fix=RESTORE) from None

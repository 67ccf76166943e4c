"""The comparison that a pull request's run uploaded: read as data that its author may have written by hand.

The artifact is never unpacked to a folder, is not trusted to say which pull request it is for, and is only ever read
as a `DiffDocument`.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tagpipe.comparison.document import DiffDocument
from tagpipe.errors import InputError, escape_shown
from tagpipe.formats.strict_json import parse_json

MEMBER = "dataset-diff.json"
"""The one file of the artifact."""

MAX_PACKED_BYTES = 16_000_000
MAX_BYTES = 64_000_000
"""Twice the size of a document with full lists and titles of the greatest length."""

MAX_NODES = 3_000_000
"""More than the commas and brackets of such a document, those in titles included. Each costs a Python object."""

MAX_NUMBER = 2**53
"""The largest integer that every JSON reader keeps exact. Beyond it, the renderers' arithmetic could overflow."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_FIX = "Nothing was written; look at what the pull request's own run uploads"
_refusal = partial(InputError, file=MEMBER, fix=_FIX)


def read_artifact(path: Path) -> DiffDocument | None:
    """The comparison in a JSON file, in a zip of just that, or in a folder with one of them; None for an empty folder.

    Raises InputError.
    """
    if path.is_dir():
        files = sorted(path.iterdir())
        if not files:
            return None
        if len(files) > 1:
            raise InputError("more than one file", file=str(path), found=str(len(files)), expected="one", fix=_FIX)
        path = files[0]
    if path.is_symlink() or not path.is_file():
        raise InputError("is not a file", file=escape_shown(str(path)), expected=f"{MEMBER} or its zip", fix=_FIX)
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return _parse_document(_unpack(data) if data.startswith(_ZIP) else data)


def _unpack(data: bytes) -> bytes:
    """The only member of a zip, at most MAX_BYTES + 1 of it, whatever size the zip claims."""
    if len(data) > MAX_PACKED_BYTES:
        raise _refusal(f"more than {MAX_PACKED_BYTES} bytes in the zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [MEMBER]:
                names = ", ".join(escape_shown(member.filename) for member in members[:3])
                raise _refusal(
                    "not the one file that it should hold", found=f"{len(members)}: {names}", expected=MEMBER
                )
            # GitHub never makes members of other kinds (bzip2, lzma, encrypted).
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or members[0].flag_bits & 1:
                raise _refusal("packed in another way than GitHub's zips are")
            with archive.open(members[0]) as member:
                return member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _refusal(f"a damaged zip: {escape_shown(str(error))[1:-1]}") from None


def _parse_document(data: bytes) -> DiffDocument:
    """JSON text as a comparison: strict, without unknown fields, its numbers within bounds. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise _refusal(f"more than {MAX_BYTES} bytes")
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_NODES:
        raise _refusal(f"more than {MAX_NODES} values")
    _check_numbers(parse_json(data, file=MEMBER))
    try:
        document = DiffDocument.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _refusal(
            f"not a comparison of this schema: {escape_shown(first['msg'])[1:-1]}", field=escape_shown(place)[1:-1]
        ) from None
    _check_consistency(document)
    return document


def _check_numbers(tree: Any) -> None:
    # A loop, not a recursion: the depth is the author's choice.
    values = [tree]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif isinstance(value, int | float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise _refusal("a number that no dataset has", expected=f"at most {MAX_NUMBER}")


def _check_consistency(document: DiffDocument) -> None:
    """Check what the schema cannot say and the renderers rely on."""
    groups = document.causes.groups if document.causes else ()
    if any(row.cause is not None and row.cause >= len(groups) for row in document.changes.rows):
        raise _refusal("a label change has a cause that is not in the list", field="changes.rows.cause")
    if document.passed != all(gate.passed for gate in document.gates):
        raise _refusal("the verdict does not follow from the gates", field="passed")

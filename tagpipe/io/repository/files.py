"""Files that nobody sees half-written, and the tables in them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagpipe.errors import ConfigError, InputError, reason_of

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1


def use_system_memory() -> None:
    """Make Arrow allocate with malloc; call it where a command begins.

    pyarrow 26's default pool returns freed memory to the system so eagerly that a large build spends a third of its
    time on page faults (measured by benchmarks/).
    """
    pa.set_memory_pool(pa.system_memory_pool())


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which replaces `path` at the end of the block, or is removed if the block raises.

    A new file gets the mode that the umask leaves; one that replaces another gets the mode of that one. Raises
    ConfigError for every OSError, also of the block: do nothing but write there.
    """
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not tempfile's: its files are the owner's alone, and the umask cannot be asked for without setting it.
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        scratch = beside
        with os.fdopen(handle, "wb") as file:
            if path.is_file() and not path.is_symlink():
                os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(handle)
        beside.replace(path)
        scratch = None
    except OSError as error:  # a full disk, too
        raise unwritable(path, error) from None
    finally:
        if scratch is not None:
            with contextlib.suppress(OSError):  # the next command that writes there removes it
                scratch.unlink()


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Raises ConfigError if the system refuses."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot be removed: {reason_of(error)}", file=str(path), fix="Get access to its folder"
        ) from None


def unreadable(path: Path, error: OSError) -> InputError:
    """The error to raise for a file that the system does not let us read."""
    return InputError(f"cannot be read: {reason_of(error)}", file=str(path), fix="Check that it is there")


def unwritable(path: Path | str, error: OSError) -> ConfigError:
    """The error to raise for a file or folder that the system does not let us write."""
    return ConfigError(
        f"cannot be written: {reason_of(error)}",
        file=str(path),
        fix="Make room or get access there, or name another folder",
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` as the whole content of `path`."""
    with replace_file(path) as file:
        file.write(data)


def write_json(path: Path, tree: object) -> None:
    """Write one JSON document, indented by two spaces. Lone surrogates, which UTF-8 cannot hold, are escaped."""
    text = json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_lines(path: Path, records: Iterable[object]) -> None:
    """Write one JSON document a line (NDJSON); in ASCII, which can hold even the lone surrogates of a source."""
    with replace_file(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")


def read_json(path: Path) -> Any:
    """The JSON document in a file that tagpipe wrote. Raises InputError if it is missing or damaged."""
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise InputError(
            f"not JSON: {error}", file=str(path), fix="It was written by tagpipe: restore it, or build anew"
        ) from None


def read_bytes(path: Path) -> bytes:
    """The content of `path`. Raises InputError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def md5_of(data: bytes) -> str:
    """The md5 by which DVC knows `data`."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file whose bytes depend only on the values, their order and pyarrow's version.

    Text columns that are dictionaries in memory are dictionaries in the file, too. No pandas or Arrow metadata.
    """
    coded = [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        for field in table.schema
        if not pa.types.is_string(field.type)
    ]
    with replace_file(path) as file:
        pq.write_table(
            table,
            file,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=coded,
            store_schema=False,
            # Statistics let a reader skip row groups; only ids are looked up by value (`explain`).
            write_statistics=[name for name in ("id", "project_id") if name in table.column_names] or False,
        )


def read_table(
    source: Path | bytes,
    *,
    coded: Iterable[str] = (),
    filters: list[tuple[str, str, object]] | None = None,
    columns: list[str] | None = None,
    name: str = "",
) -> pa.Table:
    """Read the table in a Parquet file that tagpipe wrote, or in the bytes of one.

    coded: the columns to read as dictionaries. filters, columns: as in pyarrow. name: of the file, for messages about
    bytes. Raises InputError if the file is missing or damaged.
    """
    try:
        file = pa.BufferReader(source) if isinstance(source, bytes) else source
        return pq.read_table(file, read_dictionary=list(coded), partitioning=None, filters=filters, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"not a readable Parquet file ({str(error).splitlines()[0][:120]})",
            file=name or str(source),
            fix="Restore it (dvc checkout), or build anew (tagpipe run)",
        ) from None

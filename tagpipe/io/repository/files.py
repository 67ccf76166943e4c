"""Files that are never seen half-written, and the tables in them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagpipe.errors import ConfigError, InputError, reason_of

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1


def use_system_memory() -> None:
    """Let Arrow allocate with malloc; called where a command begins.

    Its default pool gives freed memory back so eagerly that a large build spends a third of its time on page faults
    (pyarrow 26, measured by benchmarks/).
    """
    pa.set_memory_pool(pa.system_memory_pool())


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write beside `path`; on leaving it is flushed to disk and renamed over `path`, on an error removed.

    Raises ConfigError where the disk refuses, inside the `with` block, too: only what is written may fail there.
    """
    name: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        name = None
    except OSError as error:  # a full disk, too
        raise ConfigError(
            f"cannot be written: {reason_of(error)}",
            file=str(path),
            fix="Make room or get access there, or name another folder",
        ) from None
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def unreadable(path: Path, error: OSError) -> InputError:
    """The error to raise for a file that the system does not let us read."""
    return InputError(f"cannot be read: {reason_of(error)}", file=str(path), fix="Check that it is there")


def write_bytes(path: Path, data: bytes) -> None:
    """`data` as the whole of `path`."""
    with replace_file(path) as file:
        file.write(data)


def write_json(path: Path, tree: object) -> None:
    """One JSON document, indented by two spaces, with a newline at the end."""
    write_bytes(path, dump_json(tree).encode("utf-8"))


def dump_json(tree: object) -> str:
    """The text that `write_json` writes. Lone surrogates, which UTF-8 cannot hold, are escaped."""
    text = json.dumps(tree, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_lines(path: Path, records: Iterable[object]) -> None:
    """One JSON document a line (NDJSON), ASCII only, so that whatever a source held can be written."""
    with replace_file(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")


def read_json(path: Path) -> Any:
    """A JSON document that tagpipe wrote. Raises InputError if it is missing or damaged."""
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise InputError(
            f"not JSON: {error}", file=str(path), fix="It was written by tagpipe: restore it, or build anew"
        ) from None


def read_bytes(path: Path) -> bytes:
    """The whole of `path`. Raises InputError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def write_table(path: Path, table: pa.Table) -> None:
    """A Parquet file whose bytes depend on the values, their order and pyarrow's version alone.

    Coded text columns are written as dictionaries, other text plain; no pandas or Arrow metadata.
    """
    coded = [field.name for field in table.schema if not pa.types.is_string(field.type)]
    with replace_file(path) as file:
        pq.write_table(
            table,
            file,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=[
                name if not pa.types.is_list(table.schema.field(name).type) else f"{name}.list.element"
                for name in coded
            ],
            store_schema=False,
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
    """A Parquet file that tagpipe wrote (or its bytes, called `name`); the columns `coded` come as dictionaries.

    filters, columns: as pyarrow has them. Raises InputError if it is missing or damaged.
    """
    try:
        where = pa.BufferReader(source) if isinstance(source, bytes) else source
        return pq.read_table(where, read_dictionary=list(coded), partitioning=None, filters=filters, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"not a readable Parquet file ({str(error).splitlines()[0][:120]})",
            file=name or str(source),
            fix="Restore it (dvc checkout), or build anew (tagpipe run)",
        ) from None

"""The two inputs: read from data/source/, or looked up by their pin, and stored as received."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tagpipe.errors import InputError, IntegrityError, TagpipeError
from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.io.repository.layout import Layout
from tagpipe.io.sources.download import download
from tagpipe.params import Download, Source, SourceParams

NAMES = ("projects", "vocabulary")


@dataclass(frozen=True)
class Fetched:
    """One source's bytes, as received, and where they were found."""

    name: str
    suffix: str
    data: bytes
    origin: str


def each_source(params: SourceParams) -> list[tuple[str, Source]]:
    """(name, source) of the two inputs."""
    return [(name, getattr(params, name)) for name in NAMES]


def fetch_sources(layout: Layout, params: SourceParams) -> list[Fetched]:
    """Both inputs, or an error and neither.

    Raises InputError (a file is missing), SourceUnavailable (5), IntegrityError (7: other bytes than pinned).
    """
    return [fetch_source(layout, name, source, params.download) for name, source in each_source(params)]


def fetch_source(layout: Layout, name: str, source: Source, bounds: Download) -> Fetched:
    """One input: its file, or the pinned bytes from the nearest place that has them."""
    if source.path is not None:
        data = _read_source_file(layout.dep("fetch", "source"), source.path, name)
        return Fetched(name, source.suffix, data, source.path)
    stored = _find_stored(layout, source)
    if stored is not None:
        return Fetched(name, source.suffix, stored, "the pinned store")
    in_head = _find_in_head(layout, name, source)
    data = in_head if in_head is not None else _download_pinned(name, source, bounds)
    store_pinned(layout, data)  # the next commit may have other bytes in data/raw, and the url none
    return Fetched(name, source.suffix, data, "its url" if in_head is None else "data/raw of HEAD")


def _download_pinned(name: str, source: Source, bounds: Download) -> bytes:
    assert source.url is not None
    data = download(source.url, bounds, name=name)
    found = hashlib.sha256(data).hexdigest()
    if found != source.sha256:
        raise IntegrityError(
            "upstream has other bytes than the pinned ones",
            file=f"source.{name}",
            field="sha256",
            found=found,
            expected=source.sha256,
            fix="Run `tagpipe refresh` to look at the new bytes and accept them, or `dvc pull` to build the old ones",
        )
    return data


def store_pinned(layout: Layout, data: bytes) -> None:
    """Keep `data` in the pinned store, under its sha256."""
    path = _pinned_path(layout, hashlib.sha256(data).hexdigest())
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)


def is_stored(layout: Layout, sha256: str) -> bool:
    """Whether the pinned store has bytes under that sha256."""
    return bool(sha256) and _pinned_path(layout, sha256).is_file()


def _read_source_file(folder: Path, file_name: str, name: str) -> bytes:
    path = folder / file_name
    if not path.is_file():
        raise InputError(
            "is not there",
            file=f"{folder.name}/{file_name}",
            field=f"source.{name}.path",
            expected=f"a file inside {folder}",
            fix="Put it there, or name another one in params.yaml",
        )
    if path.resolve().parent != folder.resolve():
        raise InputError(
            "is a link out of its folder",
            file=f"{folder.name}/{file_name}",
            field=f"source.{name}.path",
            fix="Put the file itself there: DVC would not see the link's target change",
        )
    return read_bytes(path)


def _pinned_path(layout: Layout, sha256: str) -> Path:
    return layout.scratch / "pinned" / sha256


def _is_pinned(source: Source, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == source.sha256


def _find_stored(layout: Layout, source: Source) -> bytes | None:
    assert source.sha256 is not None
    path = _pinned_path(layout, source.sha256)
    data = path.read_bytes() if path.is_file() else None
    return data if data is not None and _is_pinned(source, data) else None


def _find_in_head(layout: Layout, name: str, source: Source) -> bytes | None:
    """The pinned bytes in data/raw of the last commit, from DVC's cache or remote; None where they are not there."""
    from tagpipe.io.repository.revisions import read_at_revision

    raw = layout.out("fetch", "raw").relative_to(layout.root)
    try:
        data = read_at_revision(layout.root, "HEAD", f"{raw.as_posix()}/{name}{source.suffix}")
    except TagpipeError:
        return None
    return data if _is_pinned(source, data) else None

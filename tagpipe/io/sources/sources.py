"""The two inputs: read from data/source/, or found by their pin, and stored as received."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tagpipe.errors import InputError, IntegrityError, TagpipeError
from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.revisions import read_at_revision
from tagpipe.io.sources.download import download
from tagpipe.io.sources.pinned_store import find_pinned, sha256_of, store_pinned
from tagpipe.params import Download, Source, SourceParams

SOURCE_NAMES = ("projects", "vocabulary")


@dataclass(frozen=True)
class Fetched:
    """One source, as received."""

    name: str
    suffix: str
    """The ending of its file name, by which it is read."""
    data: bytes
    origin: str
    """The place where it was found, in words."""


def named_sources(params: SourceParams) -> list[tuple[str, Source]]:
    """(name, source) of the two inputs."""
    return [(name, getattr(params, name)) for name in SOURCE_NAMES]


def fetch_sources(layout: Layout, params: SourceParams) -> list[Fetched]:
    """Find or download both inputs.

    Raises InputError (a file is missing), SourceUnavailable, or IntegrityError (other bytes than the pinned ones).
    """
    return [fetch_source(layout, name, source, params.download) for name, source in named_sources(params)]


def receive(layout: Layout, params: SourceParams) -> list[Fetched]:
    """Find or download both inputs, and write both to data/raw, or neither. Raises as `fetch_sources` does."""
    sources = fetch_sources(layout, params)
    raw = layout.out("fetch", "raw")
    for source in sources:
        write_bytes(raw / f"{source.name}{source.suffix}", source.data)
    return sources


def fetch_source(layout: Layout, name: str, source: Source, bounds: Download) -> Fetched:
    """One input: its file, or the pinned bytes from the nearest place that has them. Raises as `fetch_sources` does."""
    if source.path is not None:
        data = _read_source_file(layout.dep("fetch", "source"), source.path, name)
        return Fetched(name, source.suffix, data, source.path)
    assert source.sha256 is not None
    if (stored := find_pinned(layout, source.sha256)) is not None:
        return Fetched(name, source.suffix, stored, "the pinned store")
    pinned, origin = _find_in_head(layout, name, source), "data/raw of HEAD"
    if pinned is None:
        pinned, origin = _download_pinned(name, source, bounds), "its url"
    store_pinned(layout, pinned)  # the next commit may have other bytes in data/raw, and the url may be gone
    return Fetched(name, source.suffix, pinned, origin)


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


def _find_in_head(layout: Layout, name: str, source: Source) -> bytes | None:
    """The pinned bytes in data/raw of the last commit, from DVC's cache or remote; None if they are not there."""
    path = f"{layout.path_of('fetch', 'raw')}/{name}{source.suffix}"
    try:
        data = read_at_revision(layout.root, "HEAD", path)
    except TagpipeError:
        return None
    return data if sha256_of(data) == source.sha256 else None


def _download_pinned(name: str, source: Source, bounds: Download) -> bytes:
    assert source.url is not None
    data = download(source.url, bounds, name=name)
    if (sha256 := sha256_of(data)) != source.sha256:
        raise IntegrityError(
            "upstream has other bytes than the pinned ones",
            file=f"source.{name}",
            field="sha256",
            found=sha256,
            expected=source.sha256,
            fix="Run `tagpipe refresh` to look at the new bytes and accept them, or `dvc pull` to build the old ones",
        )
    return data

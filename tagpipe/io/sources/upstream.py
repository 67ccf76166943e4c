"""What upstream has now, asked for so that an unchanged one costs next to nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from tagpipe.errors import ConfigError, InputError
from tagpipe.io.repository.files import read_json, write_json
from tagpipe.io.repository.layout import PARAMS_FILE, Layout
from tagpipe.io.sources.download import Answer, download_if_changed
from tagpipe.io.sources.sources import each_source, is_stored, store_pinned
from tagpipe.params import Params, Source

MEMORY = "upstream.json"
DOWNLOADS = "downloads.json"

_SHA256 = re.compile("[0-9a-f]{64}")


def look_upstream(layout: Layout, params: Params) -> dict[str, tuple[str, str]]:
    """Source -> (its pin, the sha256 of what is upstream now), for every source with a url; the bytes are stored.

    Raises ConfigError if there is none, SourceUnavailable as a download does: then neither counts as changed, and
    nothing is stored.
    """
    memory = _read_memory(layout)
    answers: dict[str, tuple[Source, Answer]] = {}
    for name, source in each_source(params.source):
        if source.url is not None and source.sha256 is not None:
            known = memory.get(_key(source), {})
            etag = known.get("etag") if is_stored(layout, str(known.get("sha256", ""))) else None
            answers[name] = source, download_if_changed(source.url, params.source.download, name=name, etag=etag)
    if not answers:
        raise ConfigError(
            "no source has a url, so there is no upstream to follow",
            file=PARAMS_FILE,
            field="source",
            fix="Give a source `url` and `sha256`",
        )
    found = {}
    for name, (source, answer) in answers.items():
        assert source.sha256 is not None
        if answer.data is not None:
            memory[_key(source)] = {"etag": answer.etag, "sha256": _store(layout, answer.data)}
        found[name] = (source.sha256, str(memory[_key(source)]["sha256"]))
    write_json(layout.scratch / MEMORY, memory)
    return found


def _key(source: Source) -> str:
    """An address may hold a credential."""
    return hashlib.sha256(source.location.encode("utf-8")).hexdigest()


def forget_downloads(layout: Layout, needed: Iterable[str]) -> None:
    """Remove from the pinned store what earlier looks brought and nobody needs: a moving upstream would fill the disk.

    needed: sha256s to keep. What `tagpipe refresh` or fetch stored is never removed. Of a version that was built, DVC
    has the same bytes in data/raw.
    """
    ours = _read_downloads(layout)
    kept = ours & set(needed)
    if kept == ours:
        return
    for sha256 in ours - kept:
        (layout.scratch / "pinned" / sha256).unlink(missing_ok=True)
    write_json(layout.scratch / DOWNLOADS, sorted(kept))


def _store(layout: Layout, data: bytes) -> str:
    """Keep the bytes, noted as ours first, so that a kill in between leaves nothing that is never removed."""
    sha256 = hashlib.sha256(data).hexdigest()
    if not is_stored(layout, sha256):
        write_json(layout.scratch / DOWNLOADS, sorted({*_read_downloads(layout), sha256}))
    store_pinned(layout, data)
    return sha256


def _read_downloads(layout: Layout) -> set[str]:
    """The sha256s of what looks have put into the pinned store; scratch too."""
    path = layout.scratch / DOWNLOADS
    try:
        tree = read_json(path) if path.is_file() else []
    except InputError:
        return set()
    listed = tree if isinstance(tree, list) else []
    return {each for each in listed if isinstance(each, str) and _SHA256.fullmatch(each)}


def _read_memory(layout: Layout) -> dict[str, dict[str, Any]]:
    """sha256 of the url -> what the server called its bytes, and their sha256; scratch, so nothing is lost with it."""
    path = layout.scratch / MEMORY
    try:
        tree = read_json(path) if path.is_file() else {}
    except InputError:
        return {}
    return tree if isinstance(tree, dict) and all(isinstance(each, dict) for each in tree.values()) else {}

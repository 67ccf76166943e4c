"""What upstream has now, asked for so that an unchanged one costs next to nothing."""

from __future__ import annotations

import hashlib
from typing import Any

from tagpipe.errors import ConfigError, InputError
from tagpipe.io.download import look
from tagpipe.io.files import read_json, write_json
from tagpipe.io.layout import PARAMS_FILE, Layout
from tagpipe.io.sources import each_source, is_stored, store_pinned
from tagpipe.params import Params

MEMORY = "upstream.json"


def look_upstream(layout: Layout, params: Params) -> dict[str, tuple[str, str]]:
    """Source -> (its pin, the sha256 of what is upstream now), for every source with a url; the bytes are stored.

    Raises ConfigError if there is none, SourceUnavailable as a download does: then neither counts as changed.
    """
    memory = _read_memory(layout)
    found = {}
    for name, source in each_source(params.source):
        if source.url is None or source.sha256 is None:
            continue
        known = memory.get(source.url, {})
        etag = known.get("etag") if is_stored(layout, str(known.get("sha256", ""))) else None
        answer = look(source.url, params.source.download, name=name, etag=etag)
        if answer.data is None:
            sha256 = str(known["sha256"])
        else:
            sha256 = hashlib.sha256(answer.data).hexdigest()
            store_pinned(layout, answer.data)
            memory[source.url] = {"etag": answer.etag, "sha256": sha256}
        found[name] = (source.sha256, sha256)
    if not found:
        raise ConfigError(
            "no source has a url, so there is no upstream to follow",
            file=PARAMS_FILE,
            field="source",
            fix="Give a source `url` and `sha256`",
        )
    write_json(layout.scratch / MEMORY, memory)
    return found


def _read_memory(layout: Layout) -> dict[str, dict[str, Any]]:
    """Url -> what the server called its bytes, and their sha256; scratch, so nothing is lost with it."""
    path = layout.scratch / MEMORY
    try:
        tree = read_json(path) if path.is_file() else {}
    except InputError:
        return {}
    return tree if isinstance(tree, dict) and all(isinstance(each, dict) for each in tree.values()) else {}

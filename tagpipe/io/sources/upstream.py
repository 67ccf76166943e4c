"""The present bytes upstream, asked for so that an unchanged source costs next to nothing."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter, ValidationError

from tagpipe.errors import ConfigError
from tagpipe.io.repository.files import write_json
from tagpipe.io.repository.layout import PARAMS_FILE, Layout
from tagpipe.io.sources.download import Answer, download_if_changed
from tagpipe.io.sources.pinned_store import pinned_file, sha256_of, store_download
from tagpipe.io.sources.sources import named_sources
from tagpipe.params import Params, Sha256, Source

MEMORY = "upstream.json"


class _Seen(BaseModel):
    """The bytes at an address when it was last asked."""

    sha256: Sha256
    etag: str | None


_MEMORY = TypeAdapter(dict[str, _Seen])


def check_upstream(layout: Layout, params: Params) -> dict[str, tuple[str, str]]:
    """Source -> (its pin, the sha256 of what is upstream now), for every source with a url; the bytes are stored.

    Raises ConfigError if no source has a url, SourceUnavailable if one of them cannot be downloaded: then none counts
    as changed, and nothing is stored.
    """
    memory = _read_memory(layout)
    answers: dict[str, tuple[Source, Answer]] = {}
    for name, source in named_sources(params.source):
        if source.url is not None:
            seen = memory.get(_key(source))
            # Without its bytes an unchanged source would be of no use, so it is asked for whole.
            etag = seen.etag if seen is not None and pinned_file(layout, seen.sha256).is_file() else None
            answers[name] = source, download_if_changed(source.url, params.source.download, name=name, etag=etag)
    if not answers:
        raise ConfigError(
            "no source has a url, so there is no upstream to follow",
            file=PARAMS_FILE,
            field="source",
            fix="Give a source `url` and `sha256`",
        )
    pins = {}
    for name, (source, answer) in answers.items():
        assert source.sha256 is not None, "a source with a url has a pin"
        if answer.data is not None:
            memory[_key(source)] = _Seen(sha256=store_download(layout, answer.data), etag=answer.etag)
        pins[name] = (source.sha256, memory[_key(source)].sha256)
    write_json(layout.scratch / MEMORY, _MEMORY.dump_python(memory))
    return pins


def _key(source: Source) -> str:
    return sha256_of(source.location.encode("utf-8"))  # the address itself may hold a credential


def _read_memory(layout: Layout) -> dict[str, _Seen]:
    """The bytes last seen at each address, by `_key`.

    Empty if the file is missing or damaged: then everything is asked for whole.
    """
    try:
        return _MEMORY.validate_json((layout.scratch / MEMORY).read_bytes())
    except (OSError, ValidationError):
        return {}

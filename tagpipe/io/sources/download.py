"""Downloads that end: bounded in time, bytes and redirects.

httpx 0.28 by itself returns half of a truncated gzip body without an error, times out per read only (a server that
sends a byte now and then never ends), and follows a redirect to loopback: dealt with here and in `public_network`.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpcore
import httpx
import tenacity

from tagpipe.errors import ConfigError, SourceUnavailable, escape_shown
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.io.sources.public_network import open_client
from tagpipe.params import Download

MAX_REDIRECTS = 3
READ_TIMEOUT_S = 15.0
BACKOFF_S = 0.5
_RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})

Progress = Callable[[int, int | None], None]
"""Called with (bytes received, bytes in all or None if the server does not say)."""


class _Retry(Exception):
    """A failure that may pass: connection errors, 429 and 5xx."""


@dataclass(frozen=True)
class Answer:
    """The answer of a server."""

    data: bytes | None
    """The decoded body; None if it is unchanged since the given ETag."""
    etag: str | None
    """The server's name for these bytes; None if it gives none."""


@dataclass(frozen=True)
class _Request:
    url: str
    name: str
    """Of the source, for messages."""
    bounds: Download
    deadline: float
    """By `time.monotonic`."""
    progress: Progress | None
    etag: str | None

    def failed(self, reason: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"cannot be downloaded: {without_secrets(reason)}",
            file=f"source.{self.name}",
            found=escape_shown(without_secrets(self.url)),
            fix="Try again later; a pinned version also builds from .tagpipe/pinned or after `dvc pull`",
        )


def download(url: str, bounds: Download, *, name: str, progress: Progress | None = None) -> bytes:
    """The decoded body at `url`. Raises as `download_if_changed` does."""
    data = download_if_changed(url, bounds, name=name, progress=progress).data
    assert data is not None
    return data


def download_if_changed(
    url: str, bounds: Download, *, name: str, progress: Progress | None = None, etag: str | None = None
) -> Answer:
    """The decoded body at `url`, unless it is unchanged since `etag`.

    name: of the source, for messages. Dates are not compared: they miss a change within the same second.
    Raises SourceUnavailable for whatever the network or the server does, ConfigError if `url` is not an address.
    """
    try:
        _ = httpx.URL(url).host
    except (httpx.InvalidURL, UnicodeError):  # httpx quotes parts of it, which may be those of a password
        raise ConfigError(
            "not an address",
            field=f"source.{name}.url",
            found=escape_shown(without_secrets(url)),
        ) from None
    deadline = time.monotonic() + bounds.timeout_s
    request = _Request(url, name, bounds, deadline, progress, etag)
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Retry),
        stop=tenacity.stop_after_attempt(bounds.attempts) | tenacity.stop_before_delay(bounds.timeout_s),
        wait=tenacity.wait_random_exponential(multiplier=BACKOFF_S, max=10.0),
        sleep=lambda seconds: time.sleep(max(0.0, min(seconds, deadline - time.monotonic()))),
        reraise=True,
    )
    try:
        return tries(_try_once, request)
    except _Retry as error:
        raise request.failed(str(error)) from None


def _try_once(request: _Request) -> Answer:
    with open_client(request.name, deadline=request.deadline, allow_private=request.bounds.allow_private) as client:
        try:
            return _follow_redirects(client, request)
        except (httpx.InvalidURL, UnicodeError):  # of the next address, which httpx parses before it connects
            raise request.failed("redirects to what is not an address") from None
        except (
            httpx.TransportError,
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
        ) as error:
            raise _Retry(f"{type(error).__name__}: {error}") from None


def _follow_redirects(client: httpx.Client, request: _Request) -> Answer:
    headers = {"Accept-Encoding": "identity", **({"If-None-Match": request.etag} if request.etag else {})}
    url = request.url
    for _ in range(MAX_REDIRECTS + 1):
        if not url.lower().startswith(("http://", "https://")):
            raise request.failed(f"redirects to what is not http(s): {escape_shown(without_secrets(url))}")
        timeout = max(0.001, min(READ_TIMEOUT_S, request.deadline - time.monotonic()))
        with client.stream("GET", url, headers=headers, timeout=timeout) as response:
            if response.status_code == 304 and request.etag:
                return Answer(None, request.etag)
            if not response.has_redirect_location:
                if response.status_code in _RETRIED_STATUS:
                    raise _Retry(f"status {response.status_code}")
                if response.status_code != 200:
                    raise request.failed(f"status {response.status_code}")
                return Answer(b"".join(_iter_body(response, request)), response.headers.get("etag"))
            url = str(httpx.URL(url).join(response.headers["location"]))
    raise request.failed(f"more than {MAX_REDIRECTS} redirects")


def _iter_body(response: httpx.Response, request: _Request) -> Iterator[bytes]:
    """The decoded body. Received and decoded bytes are both counted, because a small gzip body may hold gigabytes."""
    bounds = request.bounds
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise request.failed(f"content encoding {escape_shown(encoding)}, though identity was asked for")
    gunzip = _Gunzip() if encoding == "gzip" else None
    length = response.headers.get("content-length", "")
    n_total = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    n_received = n_decoded = 0
    for chunk in response.iter_raw():
        n_received += len(chunk)
        if request.progress:
            request.progress(n_received, n_total)
        if time.monotonic() > request.deadline:
            raise request.failed(f"not complete after {bounds.timeout_s:g} s ({n_received} bytes came)")
        if n_received > bounds.max_bytes:
            raise request.failed(f"more than {bounds.max_bytes} bytes (source.download.max_bytes)")
        try:
            decoded = gunzip.read(chunk, bounds.max_decoded_bytes - n_decoded + 1) if gunzip else chunk
        except zlib.error as error:
            raise _Retry(f"damaged gzip body: {error}") from None
        n_decoded += len(decoded)
        if n_decoded > bounds.max_decoded_bytes:
            raise request.failed(f"more than {bounds.max_decoded_bytes} decoded bytes")
        yield decoded
    if gunzip is not None and not gunzip.is_at_end:
        raise _Retry("truncated gzip body")


class _Gunzip:
    """Undoes gzip, also of several members (RFC 1952): zlib by itself stops after the first."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._begun = False

    @property
    def is_at_end(self) -> bool:
        """True if nothing was read yet, or if it ends where a member ends."""
        return self._member.eof or not self._begun

    def read(self, chunk: bytes, limit: int) -> bytes:
        """The next decoded bytes, at most `limit` of them."""
        decoded = b""
        while chunk and len(decoded) < limit:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._begun = True
            decoded += self._member.decompress(chunk, limit - len(decoded))
            chunk = self._member.unused_data
        return decoded

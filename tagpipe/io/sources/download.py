"""Downloads that end: bounded in time, bytes and hops, and never to an address inside the network unasked.

httpx by itself gives half of a truncated gzip body without an error, times out per read only (a drip-feeding
server never does), and follows a redirect to loopback; each is dealt with here.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
import tenacity

from tagpipe.errors import ConfigError, SourceUnavailable, escape_shown
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.params import Download

MAX_REDIRECTS = 3
READ_TIMEOUT_S = 15.0
BACKOFF_S = 0.5
_RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})


Progress = Callable[[int, int | None], None]


class _Retry(Exception):
    """A failure that may pass: connection errors, 429 and 5xx."""


@dataclass(frozen=True)
class Answer:
    """What is at an address. data: None where it is still what `etag` stood for. etag: the server's name for it."""

    data: bytes | None
    etag: str | None


def download(url: str, bounds: Download, *, name: str, progress: Progress | None = None) -> bytes:
    """The decoded body at `url`; arguments and errors are those of `look`."""
    data = look(url, bounds, name=name, progress=progress).data
    assert data is not None
    return data


def look(url: str, bounds: Download, *, name: str, progress: Progress | None = None, etag: str | None = None) -> Answer:
    """The decoded body at `url`, or word that it is unchanged. `name` says in messages which source it is.

    progress: called with (bytes that came, bytes in all or None if the server does not say). etag: what the server
    called the bytes when they were last taken; a date is not asked for, for it misses what changes within a second.

    Raises SourceUnavailable (exit 5) for everything the network or the server does, ConfigError for an address
    that may not be asked.
    """
    try:
        _ = httpx.URL(url).host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ConfigError(
            f"not an address: {without_secrets(str(error))}",
            field=f"source.{name}.url",
            found=escape_shown(without_secrets(url)),
        ) from None
    deadline = time.monotonic() + bounds.timeout_s
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Retry),
        stop=tenacity.stop_after_attempt(bounds.attempts) | tenacity.stop_before_delay(bounds.timeout_s),
        wait=tenacity.wait_random_exponential(multiplier=BACKOFF_S, max=10.0),
        sleep=lambda seconds: time.sleep(max(0.0, min(seconds, deadline - time.monotonic()))),
        reraise=True,
    )
    try:
        answer: Answer = tries(_fetch_once, url, bounds, deadline, name, progress, etag)
    except _Retry as problem:
        raise _unavailable(str(problem), url, name) from None
    return answer


def _fetch_once(
    url: str, bounds: Download, deadline: float, name: str, progress: Progress | None, etag: str | None
) -> Answer:
    transport = httpx.HTTPTransport(retries=0, trust_env=False)
    # The public way to look at the address that is really connected to (a look-up beforehand could be answered
    # otherwise the second time) is httpcore's network backend; httpx 0.28 has no parameter for it.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(), network_backend=_GuardedBackend(bounds, name, deadline)
    )
    with httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client:
        try:
            return _follow(client, url, bounds, deadline, name, progress, etag)
        except (httpx.InvalidURL, UnicodeError) as error:
            # httpx looks at the next hop's address too
            raise _unavailable(f"redirects to no address: {error}", url, name) from None
        except (
            httpx.TransportError,
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
        ) as error:
            raise _Retry(f"{type(error).__name__}: {error}") from None


def _follow(
    client: httpx.Client,
    url: str,
    bounds: Download,
    deadline: float,
    name: str,
    progress: Progress | None,
    etag: str | None,
) -> Answer:
    headers = {"Accept-Encoding": "identity", **({"If-None-Match": etag} if etag else {})}
    at = url
    for _ in range(MAX_REDIRECTS + 1):
        if not at.lower().startswith(("http://", "https://")):
            raise _unavailable(f"redirects to {escape_shown(without_secrets(at))}, which is not http(s)", url, name)
        with client.stream("GET", at, headers=headers, timeout=_timeout(deadline)) as response:
            if response.status_code == 304 and etag:
                return Answer(None, etag)
            if not response.has_redirect_location:
                _check_status(response, url, name)
                data = b"".join(_read_body(_tell(response, progress), response, bounds, deadline, url, name))
                return Answer(data, response.headers.get("etag"))
            at = str(httpx.URL(at).join(response.headers["location"]))
    raise _unavailable(f"more than {MAX_REDIRECTS} redirects", url, name)


def _timeout(deadline: float) -> float:
    return max(0.001, min(READ_TIMEOUT_S, deadline - time.monotonic()))


def _check_status(response: httpx.Response, url: str, name: str) -> None:
    if response.status_code in _RETRIED_STATUS:
        raise _Retry(f"status {response.status_code}")
    if response.status_code != 200:
        raise _unavailable(f"status {response.status_code}", url, name)


def _tell(response: httpx.Response, progress: Progress | None) -> Iterator[bytes]:
    """The chunks of the wire, each told to `progress`."""
    length = response.headers.get("content-length", "")
    total = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    n_wire = 0
    for chunk in response.iter_raw():
        n_wire += len(chunk)
        if progress:
            progress(n_wire, total)
        yield chunk


def _read_body(
    chunks: Iterator[bytes], response: httpx.Response, bounds: Download, deadline: float, url: str, name: str
) -> Iterator[bytes]:
    """The decoded `chunks`. The wire's and the decoded bytes are counted, and both must end where they should."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise _unavailable(f"content encoding {escape_shown(encoding)}, though identity was asked for", url, name)
    inflate = _Gunzip() if encoding == "gzip" else None
    n_wire = n_decoded = 0
    for chunk in chunks:
        n_wire += len(chunk)
        if time.monotonic() > deadline:
            raise _unavailable(f"not complete after {bounds.timeout_s:g} s ({n_wire} bytes came)", url, name)
        if n_wire > bounds.max_bytes:
            raise _unavailable(f"more than {bounds.max_bytes} bytes (source.download.max_bytes)", url, name)
        try:
            decoded = inflate.read(chunk, bounds.max_decoded_bytes - n_decoded + 1) if inflate else chunk
        except zlib.error as error:
            raise _Retry(f"damaged gzip body: {error}") from None
        n_decoded += len(decoded)
        if n_decoded > bounds.max_decoded_bytes:
            raise _unavailable(f"more than {bounds.max_decoded_bytes} decoded bytes", url, name)
        yield decoded
    if inflate is not None and not inflate.at_end:
        raise _Retry("truncated gzip body")


class _Gunzip:
    """Undoes gzip, of several members too (RFC 1952): zlib by itself stops behind the first."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._begun = False

    @property
    def at_end(self) -> bool:
        """Whether what came so far ends where a member does."""
        return self._member.eof or not self._begun

    def read(self, chunk: bytes, limit: int) -> bytes:
        """What `chunk` holds, at most `limit` bytes of it."""
        found = b""
        while chunk and len(found) < limit:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._begun = True
            found += self._member.decompress(chunk, limit - len(found))
            chunk = self._member.unused_data
        return found


def _unavailable(what: str, url: str, name: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"cannot be downloaded: {without_secrets(what)}",
        file=f"source.{name}",
        found=escape_shown(without_secrets(url)),
        fix="Try again later; a pinned version also builds from .tagpipe/pinned or after `dvc pull`",
    )


class _GuardedBackend(httpcore.SyncBackend):
    """Connects only to public addresses, checked on the address itself, at every hop."""

    def __init__(self, bounds: Download, name: str, deadline: float) -> None:
        self._bounds = bounds
        self._deadline = deadline
        self._name = name

    def connect_tcp(self, host: str, port: int, *options: Any, **named: Any) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers. Raises SourceUnavailable for a private one."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, OverflowError) as error:
            raise httpcore.ConnectError(f"cannot find {escape_shown(host)}: {error}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not self._bounds.allow_private and not is_public(address):
                raise SourceUnavailable(
                    f"leads to {address}, an address that is private, loopback or link-local",
                    file=f"source.{self._name}",
                    found=escape_shown(host),
                    fix="If that is your own mirror, set source.download.allow_private: true in params.yaml",
                )
        last: Exception = httpcore.ConnectError(f"no address for {escape_shown(host)}")
        for address in addresses:
            try:
                return _DeadlineStream(super().connect_tcp(address, port, *options, **named), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline.

    A timeout is per read, and headers, interim answers and chunk heads are many reads of which the caller sees none.
    """

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("not complete in time")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(
            self._stream.start_tls(ssl_context, server_hostname, self._left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


_IPV4_WITHIN = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's, seen through IPv4-in-IPv6 forms.

    >>> is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("8.8.8.8")
    (False, False, True)
    """
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and any(parsed in network for network in _IPV4_WITHIN):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast

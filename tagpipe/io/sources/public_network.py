"""Connections to public addresses only, whose every wait ends at a deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from typing import Any

import httpcore
import httpx

from tagpipe.errors import SourceUnavailable, escape_shown

_IPV4_WITHIN = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""NAT64 and the old IPv4-compatible form: the last 32 bits of such an address are an IPv4 address."""


def open_client(name: str, *, deadline: float, allow_private: bool) -> httpx.Client:
    """A client that follows no redirect by itself and reads no proxy from the environment.

    name: of the source, for messages. deadline: by `time.monotonic`.
    """
    transport = httpx.HTTPTransport(retries=0, trust_env=False)
    # An address looked up beforehand could have changed by the time of the connection. httpcore's network backend is
    # the public way to see the address that is connected to; httpx 0.28 has no parameter for it, hence `_pool`.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(), network_backend=_GuardedBackend(name, deadline, allow_private)
    )
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False)


class _GuardedBackend(httpcore.SyncBackend):
    """Connects to public addresses only; every redirect's host comes through here, too."""

    def __init__(self, name: str, deadline: float, allow_private: bool) -> None:  # noqa: FBT001 - called once, above
        self._name = name
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(self, host: str, port: int, *options: Any, **keywords: Any) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that answers. Raises SourceUnavailable for a private one."""
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, OverflowError) as error:
            raise httpcore.ConnectError(f"cannot find {escape_shown(host)}: {error}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        for address in addresses:
            if not self._allow_private and not is_public(address):
                raise SourceUnavailable(
                    f"leads to {address}, an address that is private, loopback or link-local",
                    file=f"source.{self._name}",
                    found=escape_shown(host),
                    fix="If that is your own mirror, set source.download.allow_private: true in params.yaml",
                )
        failure: Exception = httpcore.ConnectError(f"no address for {escape_shown(host)}")
        for address in addresses:
            try:
                return _DeadlineStream(super().connect_tcp(address, port, *options, **keywords), self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline.

    A timeout of httpx is per read, and a server may send headers and chunk sizes a byte at a time, in reads that the
    caller never sees.
    """

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _time_left(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("not complete in time")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._time_left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(
            self._stream.start_tls(ssl_context, server_hostname, self._time_left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def is_public(address: str) -> bool:
    """True if an IP address is on the public internet; an IPv4 address inside an IPv6 one counts as itself.

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

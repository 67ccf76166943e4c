"""Connections to public addresses only, or to a proxy of the environment, whose every wait ends at a deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpcore
import httpx

from tagpipe.errors import SourceUnavailable, escape_shown

_IPV4_WITHIN = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
"""NAT64, the old IPv4-compatible and the translated form: the last 32 bits of the address are an IPv4 address."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""The 32 bits ahead of an IPv4 address in the interface identifier of RFC 5214."""

_MAX_PORT = 65_535

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def open_client(name: str, *, deadline: float, allow_private: bool) -> httpx.Client:
    """A client that follows no redirect by itself, and goes through the proxy that the environment names.

    name: of the source, for messages. deadline: by `time.monotonic`.
    """
    return httpx.Client(
        transport=_Transport(name, deadline, allow_private=allow_private), trust_env=False, follow_redirects=False
    )


class _Transport(httpx.BaseTransport):
    """Direct, or through a proxy: chosen for each request, because a redirect may lead to a host that has none."""

    def __init__(self, name: str, deadline: float, *, allow_private: bool) -> None:
        self._name = name
        self._deadline = deadline
        self._allow_private = allow_private
        self._open: dict[str | None, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxy = find_proxy(request.url)
        if proxy not in self._open:
            self._open[proxy] = self._open_direct() if proxy is None else self._open_proxy(proxy)
        if proxy is not None:
            self._refuse_private(request.url.host)
        return self._open[proxy].handle_request(request)

    def close(self) -> None:
        for transport in self._open.values():
            transport.close()

    def _open_direct(self) -> httpx.HTTPTransport:
        transport = httpx.HTTPTransport(retries=0, trust_env=False)
        # An address looked up beforehand could have changed by the time of the connection. httpcore's network backend
        # is the public way to see the address that is connected to; httpx 0.28 has no parameter for it, hence `_pool`.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            network_backend=_GuardedBackend(self._name, self._deadline, self._allow_private),
        )
        return transport

    def _open_proxy(self, proxy: str) -> httpx.HTTPTransport:
        try:
            url = httpx.URL(proxy)
        except httpx.InvalidURL:  # its text quotes parts of a password
            url = httpx.URL()
        if url.scheme not in ("http", "https") or (url.port or 0) > _MAX_PORT:
            raise SourceUnavailable(
                "the proxy of the environment is not one that can be used",
                file=f"source.{self._name}",
                found=escape_shown(url.scheme or "not an address"),
                expected="http:// or https://",
                fix="Name another one in HTTPS_PROXY or HTTP_PROXY, or the host in NO_PROXY",
            )
        transport = httpx.HTTPTransport(retries=0, trust_env=False)
        transport._pool = httpcore.HTTPProxy(
            proxy_url=str(url.copy_with(username=None, password=None)),
            proxy_auth=(url.username.encode(), url.password.encode()) if url.username or url.password else None,
            ssl_context=httpx.create_ssl_context(),
            # Proxies are mostly inside of the network; that of the environment is meant.
            network_backend=_GuardedBackend(self._name, self._deadline, allow_private=True),
        )
        return transport

    def _refuse_private(self, host: str) -> None:
        """The proxy looks names up, so that only an address that is written out can be judged here."""
        address = _find_address(host)
        if address is not None and not self._allow_private and not is_public(address):
            raise _is_private(address, host, name=self._name)


def find_proxy(url: httpx.URL) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names for an address; None with none, or by NO_PROXY."""
    proxies = getproxies_environment()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    host = url.host if url.port is None else f"{url.host}:{url.port}"
    if not proxy or proxy_bypass_environment(host, proxies):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _find_address(host: str) -> str | None:
    """The IP address that a host is, in any of its spellings; None for a name."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host.split("%", 1)[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 2130706433, 0x7f.1
    except (OSError, UnicodeError):
        return None


def _is_private(address: str, host: str, *, name: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"leads to {address}, an address that is private, loopback or link-local",
        file=f"source.{name}",
        found=escape_shown(host),
        fix="If that is your own mirror, set source.download.allow_private: true in params.yaml",
    )


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
                raise _is_private(address, host, name=self._name)
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
        last = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if any(parsed in network for network in _IPV4_WITHIN):
            return is_public(str(last))
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
        inner = [parsed.sixtofour, *(parsed.teredo or ())]
        inner += [last] if (int(parsed) >> 32) & 0xFFFFFFFF in _ISATAP else []
        if parsed not in _GLOBAL_UNICAST or not all(is_public(str(address)) for address in inner if address):
            return False
        if parsed.sixtofour or parsed.teredo:
            return True  # Python 3.11 to 3.13 disagree on whether these are global
    return parsed.is_global and not parsed.is_multicast

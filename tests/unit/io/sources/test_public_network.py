"""Which addresses are public, in all the forms in which IPv6 holds an IPv4 address; and which proxy is asked."""

from __future__ import annotations

import ipaddress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagpipe.io.sources.public_network import find_proxy, is_public

FORMS = {
    "mapped": lambda n: (0xFFFF << 32) | n,
    "compatible": lambda n: n,
    "translated": lambda n: (0xFFFF << 48) | n,
    "NAT64": lambda n: (0x64FF9B << 96) | n,
    "6to4": lambda n: (0x2002 << 112) | (n << 80) | 1,
    "Teredo client": lambda n: (0x20010000 << 96) | (0x08080808 << 64) | (n ^ 0xFFFFFFFF),
    "Teredo server": lambda n: (0x20010000 << 96) | (n << 64) | (0x08080808 ^ 0xFFFFFFFF),
    "ISATAP": lambda n: (0x2A00145040010000 << 64) | (0x5EFE << 32) | n,
    "ISATAP, universal": lambda n: (0x2A00145040010000 << 64) | (0x02005EFE << 32) | n,
}
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.1",
    "224.0.0.1",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_private_in_every_form(form: str, address: str) -> None:
    assert not is_public(address)
    assert not is_public(str(ipaddress.IPv6Address(FORMS[form](int(ipaddress.IPv4Address(address))))))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(FORMS)), st.integers(0, 2**32 - 1))
def test_an_address_within_another_counts_as_itself(form: str, number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    if form != "compatible" or number > 0xFFFF:  # `::` and `::1` are addresses of their own
        assert is_public(str(ipaddress.IPv6Address(FORMS[form](number)))) == is_public(str(inner))


@pytest.mark.parametrize(
    "address",
    ["::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "feff::1", "ff02::1", "64:ff9b:1::808:808", "4000::1"],
)
def test_what_is_not_routed_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::8", "2606:4700::1111", "2002:808:808::1"])
def test_what_is_routed_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://example.org/", None),
        ({"https_proxy": "http://p:1"}, "https://example.org/", "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, "https://example.org/", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://example.org/", None),
        ({"http_proxy": "http://p:1"}, "http://example.org/", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://example.org/", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example.org"}, "http://example.org/", None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": ".example.org"}, "http://data.example.org/", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "example.org:8080"}, "http://example.org:8080/", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "http://example.org/", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "elsewhere.org"}, "http://example.org/", "http://p:1"),
    ],
)
def test_the_proxy_is_that_of_the_environment(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy(httpx.URL(url)) == proxy

"""Parameters that differ are shown without the secrets of an address."""

from __future__ import annotations

import pytest
from support.samples import params_with

from tagpipe.comparison.value_changes import diff_params
from tagpipe.params import Params


def params_from(url: str) -> Params:
    return params_with(source={"projects": {"url": url, "sha256": "0" * 64}})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:CANARY@example.org/p.json", "https://***@example.org/p.json"),
        ("https://me:a\nCANARY@example.org/p.json", "https://***@example.org/p.json"),
        ("https://me:a': CANARY@example.org/p.json", "https://***@example.org/p.json"),
        ("https://example.org/p.json?sig=CANARY.json", "https://example.org/p.json?***"),
        ("https://example.org/p.json?sig=a\nCANARY.json", "https://example.org/p.json?***"),
        ("https://example.org/p.json#token=CANARY.json", "https://example.org/p.json#***"),
    ],
)
def test_a_changed_address_is_shown_without_its_secret(url: str, shown: str) -> None:
    rows = diff_params(params_from("https://example.org/old.json"), params_from(url))
    assert {row.name: (row.base, row.head) for row in rows} == {
        "source.projects.url": ("https://example.org/old.json", shown)
    }


def test_addresses_that_differ_in_a_secret_alone_are_a_difference() -> None:
    base, head = (params_from(f"https://example.org/p.json?sig=CANARY-{n}") for n in (1, 2))
    (row,) = diff_params(base, head)
    assert (row.base, row.head) == ("https://example.org/p.json?***", "https://example.org/p.json?***")

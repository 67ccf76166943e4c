"""No part of an address that may be a secret is shown, whatever characters it is of."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagpipe.errors import KINDS, TagpipeError, escape_shown, from_dict, hide_addresses
from tagpipe.io.repository.secrets import without_secrets

many = settings(max_examples=300, deadline=None, derandomize=True)
CANARY = "kanari"
ODD = st.sampled_from(
    ["'", '"', "#", "?", "@", "/", " ", "<", ">", ":", "://", "': ", '": ', "\\", "#token=", "&", "%", ""]
)
printable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=6)
secrets = st.builds(lambda a, b, c, d: f"{a}{b}{CANARY}{c}{d}", printable, ODD, ODD, printable)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address with a secret as user, password, query or fragment, or in several of them."""
    user = draw(st.one_of(st.just(""), secrets.map(lambda text: f"{text}@")))
    user = draw(st.one_of(st.just(user), secrets.map(lambda text: f"me:{text}@")))
    query = draw(st.one_of(st.just(""), secrets.map(lambda text: f"?sig={text}")))
    fragment = draw(st.one_of(st.just(""), secrets.map(lambda text: f"#token={text}")))
    scheme = draw(st.sampled_from(["https", "http", "ssh", "git+ssh", "s3", "HTTPS"]))
    return f"{scheme}://{user}example.org/data/p.json{query}{fragment}"


TEXTS = [
    "unable to access 'https://a.example/x': redirected to {}",
    "cannot read '{}' now: nobody answers",
    "_{}",
    "1{} and more: of 'it'",
    "from {} to https://b.example/",
    '[{{"url": "{}"}}]',
    "{}",
    "cannot read {}",
    "fatal: unable to access '{}': The requested URL returned error: 403",
    'failed to clone "{}": not found',
    "SCM error: {}",
]


@many
@given(addresses(), st.sampled_from(TEXTS))
def test_no_text_shows_a_secret_of_an_address(address: str, text: str) -> None:
    shown = without_secrets(text.format(address))
    assert CANARY not in shown
    assert without_secrets(shown) == shown
    if text.endswith("403") and "'" not in address:
        assert shown.endswith("': The requested URL returned error: 403")


@many
@given(addresses(), st.sampled_from(sorted(KINDS)))
def test_no_error_shows_one_in_any_field_or_form(address: str, kind: str) -> None:
    error = KINDS[kind](
        f"cannot be had: {address}",
        file=address,
        field=address,
        found=escape_shown(address),
        expected=address,
        fix=f"Look at {address}",
        details=(address, f"'{address}': status 403"),
    )
    forms: list[TagpipeError] = [error, pickle.loads(pickle.dumps(error)), from_dict(error.as_dict())]
    for form in forms:
        assert CANARY not in str(form)
        assert CANARY not in repr(form)
        assert CANARY not in json.dumps(form.as_dict())


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/p.json",
        "git@github.com:ann/data.git",
        "https://***@example.org/p.json?***",
        "'https://example.org/p.json': status 404",
        "row 3, field tags: is missing",
    ],
)
def test_what_holds_no_secret_is_shown_as_it_is(text: str) -> None:
    assert hide_addresses(text) == text


def test_a_word_of_a_megabyte_is_no_scheme() -> None:
    word = "a" * 1_000_000  # ends after an hour if the search is quadratic
    assert hide_addresses(word) == word
    assert hide_addresses(f"{word}://me:{CANARY}@example.org/") == f"{word}://***@example.org/"

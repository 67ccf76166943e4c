"""What may be shown of what others say."""

from __future__ import annotations

import pytest

from tagpipe.io.repository.secrets import without_secrets


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("https://me:secret@example.org/a.git", "https://***@example.org/a.git"),
        ("https://secret@example.org/a.git", "https://***@example.org/a.git"),
        ("https://me:p@ss@example.org/a", "https://***@example.org/a"),
        ("fatal: unable to access 'https://me:secret@h/a/': no", "fatal: unable to access 'https://***@h/a/': no"),
        ("http://me:a@h/x and http://me:b@h/y", "http://***@h/y"),
        ("https://h/p.json?sig=a&x=b, status 403", "https://h/p.json?***"),
        ('found "https://h/p.json?sig=a"', 'found "https://h/p.json?***"'),
        ("https://h/p.json?x=me@example.org", "https://***"),
        ("file:/etc/hostname?sig=a", "file:/etc/hostname?***"),
        ("https://h/@scope/name", "https://***@scope/name"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("really? yes@all", "really? yes@all"),
        ("", ""),
    ],
)
def test_addresses_lose_user_password_and_query(said: str, shown: str) -> None:
    assert without_secrets(said) == shown


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "MY_API_KEY", "token"])
def test_values_of_secrets_are_hidden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "abc123\n")
    assert without_secrets("remote: abc123 is not accepted") == "remote: *** is not accepted"


@pytest.mark.parametrize(("name", "value"), [("TOKENIZERS_PARALLELISM", "always"), ("GITHUB_TOKEN", "no")])
def test_other_values_and_short_ones_are_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert without_secrets(f"said {value}") == f"said {value}"


def test_a_secret_that_begins_another_leaves_no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "abc123")
    monkeypatch.setenv("B_TOKEN", "abc123456")
    assert without_secrets("abc123456") == "***"

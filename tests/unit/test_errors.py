"""The tree of expected errors: fields, text, exit codes, and the way through pickle and JSON."""

from __future__ import annotations

import json
import pickle

import pytest

from tagpipe import errors
from tagpipe.errors import (
    Busy,
    ConfigError,
    GuardError,
    InputError,
    IntegrityError,
    SourceUnavailable,
    TagpipeError,
    escape_shown,
    from_dict,
)


def every_class(root: type[TagpipeError] = TagpipeError) -> list[type[TagpipeError]]:
    return [root, *(each for child in root.__subclasses__() for each in every_class(child))]


def full(kind: type[TagpipeError]) -> TagpipeError:
    return kind(
        "went wrong",
        file="f.json",
        row=3,
        field="tags",
        found='"x"',
        expected="a list",
        fix="Correct it",
        details=("one", "two"),
    )


def test_exit_codes_are_those_of_the_design() -> None:
    codes = {ConfigError: 2, InputError: 3, GuardError: 4, SourceUnavailable: 5, Busy: 6, IntegrityError: 7}
    assert {kind: kind.exit_code for kind in codes} == codes
    assert all(kind.exit_code not in (0, 1) for kind in every_class())


def test_the_docstring_draws_every_class_with_its_code() -> None:
    lines = (errors.__doc__ or "").splitlines()
    for kind in every_class():
        if kind is not TagpipeError:
            assert any(kind.__name__ in line and f" {kind.exit_code} " in line for line in lines), kind


@pytest.mark.parametrize("kind", every_class())
@pytest.mark.parametrize("make", [full, lambda kind: kind("only this")], ids=["all fields", "no field"])
def test_every_error_survives_pickle_and_json(kind: type[TagpipeError], make: object) -> None:
    error = make(kind)  # type: ignore[operator]
    for copy in (
        *(pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        from_dict(error.as_dict()),
        from_dict(json.loads(json.dumps(error.as_dict()))),
    ):
        assert type(copy) is kind
        assert copy.as_dict() == error.as_dict()
        assert str(copy) == str(error)
        assert copy.exit_code == error.exit_code


def test_the_text_says_where_what_found_expected_and_what_to_do() -> None:
    assert str(full(InputError)).splitlines() == [
        'f.json, row 3, field tags: went wrong; found "x"; expected a list. Correct it',
        "  - one",
        "  - two",
    ]
    assert str(InputError("went wrong")) == "went wrong."
    assert full(InputError).headline.count("\n") == 0


def test_of_many_details_twenty_and_their_count_are_shown() -> None:
    lines = str(InputError("wrong", details=tuple(f"detail {at}" for at in range(57)))).splitlines()
    assert lines[20] == "  - detail 19"
    assert lines[21:] == ["  ... and 37 more, 57 in all"]
    assert len(str(InputError("wrong", details=("d",) * 20)).splitlines()) == 21


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", '"plain"'),
        ("a\nb\x1b[31m", '"a\\nb\\u001b[31m"'),
        ("é😀\u202e", '"\\u00e9\\ud83d\\ude00\\u202e"'),
        ("\ud800", '"\\ud800"'),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ([1, "a"], '[1, "a"]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_values_are_shown_escaped(value: object, shown: str) -> None:
    assert escape_shown(value) == shown


def test_values_are_shown_on_at_most_80_ascii_characters_of_one_line() -> None:
    for value in ("x" * 1000, "😀" * 100, ["a"] * 100, {"k" * 200: 1}, object(), "\n" * 50):
        shown = escape_shown(value)
        assert len(shown) <= 80
        assert shown.isascii()
        assert shown.isprintable()

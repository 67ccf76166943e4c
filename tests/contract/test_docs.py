"""The documentation against the code: every command, option, parameter and exit code stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from support.commands import COMMANDS, GROUPS
from support.paths import REPO

from tagpipe.errors import TagpipeError
from tagpipe.params import Params


def read_doc(name: str) -> str:
    path = REPO / name
    assert path.is_file(), f"{name} is to be written"
    return path.read_text(encoding="utf-8")


def section_of(text: str, heading: str) -> str:
    """The text from the first heading that matches, to the next one of the same or a higher level."""
    match = re.search(rf"^(#+)[^\n]*{heading}[^\n]*$", text, re.MULTILINE | re.IGNORECASE)
    assert match, f"no heading has {heading!r}"
    level = len(match[1])
    following = re.search(rf"^#{{1,{level}}} ", text[match.end() :], re.MULTILINE)
    return text[match.start() : match.end() + following.start() if following else len(text)]


def collapse(text: str) -> str:
    """White space and the escaping of table cells do not matter."""
    return " ".join(text.replace("\\|", "|").split())


# Commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_its_options_and_arguments(name: str) -> None:
    section = section_of(read_doc("docs/commands.md"), rf"tagpipe {re.escape(name)}\b")
    wanted = []
    for each in COMMANDS[name].params:
        if each.param_type_name == "argument":
            wanted.append((each.metavar or each.name.upper()).strip("[]"))
        else:
            wanted += each.opts
    assert [word for word in wanted if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", section)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_its_options_say_what_they_do(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [each.name for each in command.params if not each.help and each.name != "stage"] == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^#+ .*?`?tagpipe ([a-z-]+(?: [a-z][a-z-]*)?)", read_doc("docs/commands.md"), re.MULTILINE)
    assert set(headings) - set(COMMANDS) - GROUPS == set()


# Parameters


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in models_in(each)]


def every_parameter(model: type[BaseModel] = Params, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """(dotted key as in params.yaml, its field), sections too."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key, field
        for inner in models_in(field.annotation):
            yield from every_parameter(inner, f"{key}.")


def allowed_words(annotation: Any) -> list[str]:
    """The values of every Literal of texts in an annotation."""
    words = [value for value in get_args(annotation) if isinstance(value, str)]
    return words + [word for each in get_args(annotation) if not isinstance(each, str) for word in allowed_words(each)]


def test_every_parameter_is_documented_in_its_own_words() -> None:
    text = read_doc("docs/parameters.md")
    whole = collapse(text)
    missing = [
        f"`{key}`: {field.description}"
        for key, field in every_parameter()
        if f"`{key}`" not in text or collapse(field.description or "") not in whole
    ]
    assert missing == []
    words = {word for _, field in every_parameter() for word in allowed_words(field.annotation)}
    assert sorted(word for word in words if f"`{word}`" not in text) == []


def test_every_parameter_has_a_description() -> None:
    assert [key for key, field in every_parameter() if not field.description] == []


def test_no_parameter_is_documented_that_does_not_exist() -> None:
    known = {key for key, _ in every_parameter()}
    sections = "|".join(key for key in known if "." not in key)
    named = set(re.findall(rf"`((?:{sections})\.[a-z_.]+)`", read_doc("docs/parameters.md")))
    assert {key for key in named if not key.startswith("validate.fields.")} - known == set()


# Exit codes


def test_every_exit_code_is_in_the_readme() -> None:
    section = section_of(read_doc("README.md"), "exit codes")
    codes = {0, 1, *(kind.exit_code for kind in TagpipeError.__subclasses__())}
    assert codes == set(range(8))
    listed = {int(code) for code in re.findall(r"^[\s|*\-`]*([0-9]+)\b", section, re.MULTILINE)}
    assert codes - listed == set()


# Files that messages point to


def test_files_that_messages_name_are_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (REPO / "tagpipe").rglob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in (REPO / "params.yaml", REPO / "Makefile")]
    named = {name for text in texts for name in re.findall(r"\bdocs/[a-z-]+\.md\b", text)}
    assert sorted(name for name in named if not (REPO / name).is_file()) == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"])
def test_the_documents_of_the_issue_are_there(name: str) -> None:
    assert read_doc(name).strip()

"""The examples of the documentation against the code: commands, links, JSON, YAML, Python and the summary shown."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML
from support.commands import COMMANDS, GROUPS, find_command
from support.paths import REPO

import tagpipe as package
from tagpipe.errors import ConfigError
from tagpipe.io.repository.layout import PARAMS_FILE
from tagpipe.io.repository.yaml_file import read_yaml
from tagpipe.params import parse_params

PAGES = [*sorted(REPO.glob("*.md")), *sorted((REPO / "docs").glob("*.md"))]
SHELLS = ("sh", "console", "text")


class Block(NamedTuple):
    """A fenced block: its page, the line it begins on, its language and its text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(path.relative_to(REPO).as_posix(), line, match[1], match[2])


BLOCKS = [block for path in PAGES for block in blocks_of(path)]


def blocks_in(*languages: str) -> list[Any]:
    found = [block for block in BLOCKS if block.language in languages]
    return [pytest.param(block, id=block.name) for block in found]


def test_every_block_says_its_language() -> None:
    assert BLOCKS
    # yaml is params.yaml; yml is other programs', which test_schedule.py runs.
    known = {*SHELLS, "json", "jsonl", "yaml", "yml", "csv", "turtle", "markdown", "python", "pycon"}
    assert [f"{block.name} {block.language}" for block in BLOCKS if block.language not in known] == []


# Commands


def command_lines(block: Block) -> Iterator[str]:
    """What a reader types: every line of a script or a synopsis, the lines behind `$` of a session."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.language == "console":
            if not line.startswith("$ "):
                continue
            line = line[2:]
        yield from (part.strip() for part in line.split("&&"))


def tagpipe_arguments(block: Block) -> Iterator[list[str]]:
    """The words behind each `tagpipe`; a synopsis without its brackets."""
    for line in command_lines(block):
        if re.match(r"(\S*/)?tagpipe\s", line):
            yield shlex.split(line.replace("[", "").replace("]", ""), comments=True)[1:]


EXAMPLES = [(block, words) for block in BLOCKS if block.language in SHELLS for words in tagpipe_arguments(block)]


@pytest.mark.parametrize(
    ("block", "words"), [pytest.param(*each, id=f"{each[0].name} {shlex.join(each[1])[:40]}") for each in EXAMPLES]
)
def test_every_command_line_is_accepted(block: Block, words: list[str]) -> None:
    found = find_command(words)
    assert found is not None
    name, arguments = found
    with COMMANDS[name].make_context(f"tagpipe {name}", arguments):
        pass  # parsed: every option is known, every argument has its place, none that is required is missing


def test_every_command_has_an_example() -> None:
    commands = (find_command(words) for block, words in EXAMPLES if block.language == "console")
    assert set(COMMANDS) - {found[0] for found in commands if found} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPO).as_posix())
def test_every_command_in_the_text_exists(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"`tagpipe ([a-z]+\b[^`]*)`", prose):
        words = line.split()
        found = find_command(words)
        assert found is not None or words[0] in GROUPS, line
        options = COMMANDS[found[0]].params if found else []
        known = {option for each in options for option in each.opts}
        assert set(re.findall(r"--[a-z-]+", line)) - known == set()


def test_every_make_target_exists() -> None:
    rules = re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    pages = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    named = set(re.findall(r"(?:`|^|\$ |&& )make ([a-z-]+)", pages, re.MULTILINE))
    assert named
    assert named - set(rules) == set()


# Links


def anchor_of(heading: str) -> str:
    """The anchor that a heading gets: lower case, no signs, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors_of(path: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {anchor_of(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPO).as_posix())
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        to = (path.parent / name) if name else path
        if not to.exists() or (anchor and anchor not in anchors_of(to)):
            broken.append(target)
    assert broken == []


# Data


@pytest.mark.parametrize("block", blocks_in("json", "jsonl"))
def test_json_examples_are_json(block: Block) -> None:
    for text in block.text.splitlines() if block.language == "jsonl" else [block.text]:
        json.loads(text)


@pytest.mark.parametrize("block", blocks_in("yaml"))
def test_parameter_examples_are_accepted(block: Block) -> None:
    """A fragment of params.yaml, laid over the shipped one key by key."""
    tree = read_yaml(REPO / PARAMS_FILE)
    for section, values in YAML(typ="safe", pure=True).load(block.text).items():
        tree[section] = {**tree[section], **values}
    parse_params(tree)


@pytest.mark.parametrize("block", blocks_in("python"))
def test_python_examples_compile_and_name_what_exists(block: Block) -> None:
    compile(block.text, block.name, "exec")
    named = set(re.findall(r"\btagpipe\.([a-z_]+)\(", block.text))
    assert [name for name in named if not hasattr(package, name)] == []


def test_both_forms_of_the_vocabulary_are_read_the_same(tmp_path: Path) -> None:
    section = (REPO / "docs/data-model.md").read_text(encoding="utf-8").partition("\n## The vocabulary\n")[2]
    as_object, as_list = re.findall(r"^```json\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[:2]
    as_csv = re.findall(r"^```csv\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    projects = tmp_path / "projects.json"
    projects.write_text(json.dumps([{"id": at, "title": "t", "tags": ["llm", "cpp", "c++"]} for at in range(12)]))
    digests = set()
    for name, text in (("o.json", as_object), ("l.json", as_list), ("c.csv", as_csv)):
        (tmp_path / name).write_text(text)
        digests.add(package.build(projects, tmp_path / name, params=REPO / PARAMS_FILE).content_sha256)
    assert len(digests) == 1


# Output


def plain(text: str) -> str:
    """Without the spaces that pad a line."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def test_the_readme_shows_the_committed_version(tagpipe: Any) -> None:
    ended = tagpipe("summary", REPO)
    assert ended.exit_code == 0
    assert plain(ended.stdout) in (REPO / "README.md").read_text(encoding="utf-8")


def test_the_error_of_the_parameters_page_is_the_real_one() -> None:
    tree = read_yaml(REPO / PARAMS_FILE)
    tree["annotate"]["normalise"] = tree["annotate"].pop("normalize")
    tree["annotate"]["parents"] = "maybe"
    tree["threshold"]["min_projects"] = "twelve"
    with pytest.raises(ConfigError) as caught:
        parse_params(tree)
    shown = next(block.text for block in BLOCKS if block.page == "docs/parameters.md" and block.language == "console")
    assert shown == f"$ tagpipe run\nerror: {caught.value}\n"


def test_the_documented_digest_is_the_one_that_is_computed(tmp_path: Path) -> None:
    """docs/data-model.md has the digest in plain Python; here it runs over a build of the embedded input."""
    source = REPO / "data/source"
    built = package.build(
        source / "projects.json", source / "vocabulary.json", params=REPO / PARAMS_FILE, out=tmp_path / "out"
    )
    code = next(block.text for block in BLOCKS if block.page == "docs/data-model.md" and block.language == "python")
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["content_sha256"](tmp_path / "out") == built.content_sha256
    assert names["ledger_sha256"](tmp_path / "out") == built.manifest.tables["annotate/tag_uses"].sha256

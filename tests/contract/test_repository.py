"""The repository itself: its lock, its dependencies, its size, and nothing of one machine in it."""

from __future__ import annotations

import ast
import graphlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from support.paths import REPO

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
SHORT_FUNCTION_LINES = 25


def lock_files() -> list[Path]:
    return sorted(path for path in REPO.rglob("requirements*.lock") if ".venv" not in path.parts)


@pytest.mark.parametrize("path", lock_files(), ids=lambda path: path.relative_to(REPO).as_posix())
def test_the_lock_holds_names_versions_and_hashes_alone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"\b[a-z0-9-]+\.(org|com|io|net|dev|cloud)\b", text)
    wrong = [
        line
        for line in text.splitlines()
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[^\s@;]+( ; [^@#]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
    ]
    assert wrong == []


def test_the_lock_is_there() -> None:
    assert REPO / "requirements.lock" in lock_files()


def dependency_lines() -> list[str]:
    text = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'^\s+"[A-Za-z0-9_.-]+(?:\[[a-z,]+\])?[<>=~!].*$', text, re.MULTILINE)


def test_every_dependency_says_what_it_is_for() -> None:
    assert len(dependency_lines()) > 20
    assert [line.strip() for line in dependency_lines() if not re.search(r"#\s*\w+", line)] == []


def test_every_dependency_has_a_lowest_and_a_highest_version() -> None:
    wrong = [line.strip() for line in dependency_lines() if "<" not in line.split("#")[0]]
    assert wrong == []


def repository_files() -> list[Path]:
    """Every file that git tracks or would take."""
    git = shutil.which("git")
    if git is None or not (REPO / ".git").exists():
        pytest.skip("not a git repository, so there is no list of its files")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPO, check=True, capture_output=True).stdout.decode().split("\0")
    return [REPO / name for name in listed if name and (REPO / name).is_file()]


def test_no_path_of_one_machine_is_in_any_file() -> None:
    folders = b"|".join([b"work", b"root"])
    path = re.compile(rb"(?<![\w.~-])/(?:" + folders + rb")(?![\w-])")
    found = [
        f"{file.relative_to(REPO)}: {match[0].decode()}"
        for file in repository_files()
        if (match := path.search(file.read_bytes()))
    ]
    assert found == []


def code_files() -> list[Path]:
    return [path for package in ("tagpipe", "flows") for path in sorted((REPO / package).rglob("*.py"))]


def test_no_module_is_long() -> None:
    sizes = {
        path.relative_to(REPO).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in code_files()
    }
    assert len(sizes) > 100
    assert {name: n for name, n in sizes.items() if n > MAX_MODULE_LINES} == {}


def test_no_function_is_long_and_nine_in_ten_are_short() -> None:
    sizes = {
        f"{path.relative_to(REPO).as_posix()}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in code_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    }
    assert {name: n for name, n in sizes.items() if n > MAX_FUNCTION_LINES} == {}
    assert sum(n <= SHORT_FUNCTION_LINES for n in sizes.values()) >= 0.9 * len(sizes)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("tagpipe", "flows", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, naming the circle


def test_no_package_imports_its_modules() -> None:
    # A package whose __init__ imports makes every import of one of its modules an import of all.
    packages = [
        path for path in code_files() if path.name == "__init__.py" and path.parent.name not in ("cli", "tagpipe")
    ]
    texts = {path.relative_to(REPO).as_posix(): ast.parse(path.read_text(encoding="utf-8")).body for path in packages}
    assert [name for name, body in texts.items() if len(body) != 1 or not isinstance(body[0], ast.Expr)] == []


@pytest.mark.parametrize("module", ["tagpipe", "tagpipe.cli"])
def test_what_every_command_imports_is_light(module: str) -> None:
    # `tagpipe --help` is to be instant: the heavy libraries are imported where they are used.
    heavy = ("pandas", "pandera", "pyarrow", "numpy", "scipy", "dvc", "prefect", "httpx", "ruamel", "pydantic")
    code = f"import {module}, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"

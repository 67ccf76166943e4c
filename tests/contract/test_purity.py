"""The pure packages touch no file, clock, network, random number or environment: their syntax trees are walked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import REPO

PACKAGE = REPO / "tagpipe"
IMPURE = {"cli", "operations", "stages", "io", "render"}
"""render may read what comes with the package, such as the style of a page."""
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in {*IMPURE, "__init__.py", "__main__.py"}
)


FORBIDDEN_MODULES = {
    *("os", "pathlib", "shutil", "tempfile", "glob", "fileinput", "mmap", "sqlite3", "shelve", "dbm", "pickle"),
    *("time", "random", "secrets", "uuid", "locale", "getpass", "platform"),
    *("socket", "ssl", "http", "urllib", "ftplib", "httpx", "requests", "subprocess", "multiprocessing", "threading"),
    *("logging", "importlib", "ctypes", "dvc", "git", "prefect", "numpy.random"),
    *("pyarrow.parquet", "pyarrow.feather", "pyarrow.orc", "pyarrow.dataset", "pyarrow.fs", "pyarrow.ipc"),
}
FORBIDDEN_NAMES = {"open", "input", "print", "exec", "eval", "compile", "__import__", "globals", "breakpoint"}
FORBIDDEN_ATTRIBUTES = {
    *(
        "now",
        "today",
        "utcnow",
        "open",
        "environ",
        "getenv",
        "urandom",
        "random",
        "default_rng",
        "argv",
        "stdin",
        "stdout",
        "stderr",
    ),
    *("OSFile", "memory_map", "MemoryMappedFile", "FileIO", "read_text", "write_text", "read_bytes", "write_bytes"),
    *("to_csv", "to_parquet", "to_json", "to_pickle", "to_feather", "to_excel", "to_sql", "to_hdf", "to_orc"),
    *("to_stata", "to_html", "to_xml", "to_latex", "to_markdown", "to_clipboard", "tofile", "savez", "memmap"),
}
TABLE_LIBRARIES = {"pandas", "pyarrow", "numpy", "pandera", "polars"}
FROM_MEMORY = {"pyarrow.json.read_json", "pyarrow.csv.read_csv"}
"""The two readers that pure code may call, and only on a BufferReader."""


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Local name -> dotted name of everything that is imported anywhere in a module."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dotted_name(node: ast.AST, names: dict[str, str]) -> str:
    """`pyarrow.json.read_json` of an attribute chain that begins with an imported name, else an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *reversed(parts)])


def find_impurities(source: str) -> list[str]:
    """`line: what` of everything that a pure module may not do."""
    tree = ast.parse(source)
    names = imported_names(tree)
    found = [
        f"{line}: import of {name}"
        for line, name in imported_modules(tree)
        if any(name == each or name.startswith(f"{each}.") for each in FORBIDDEN_MODULES)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.append(f"{node.lineno}: global {', '.join(node.names)}")
        elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            found.append(f"{node.lineno}: .{node.attr}")
        elif isinstance(node, ast.Call):
            found += [f"{node.lineno}: {what}" for what in find_impure_call(node, names)]
    return found


def find_impure_call(call: ast.Call, names: dict[str, str]) -> Iterator[str]:
    if isinstance(call.func, ast.Name) and call.func.id in FORBIDDEN_NAMES:
        yield f"{call.func.id}()"
    name = dotted_name(call.func, names)
    library, _, function = name.partition(".")[0], *name.rpartition(".")[1:]
    if library in TABLE_LIBRARIES and function.startswith(("read_", "write_", "load", "save", "fromfile")):
        if name not in FROM_MEMORY:
            yield f"{name}()"
        elif not (call.args and isinstance(call.args[0], ast.Call) and is_buffer_reader(call.args[0], names)):
            yield f"{name}() of something else than a pyarrow.BufferReader"


def is_buffer_reader(call: ast.Call, names: dict[str, str]) -> bool:
    return dotted_name(call.func, names) == "pyarrow.BufferReader"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_pure_packages_are_pure(path: Path) -> None:
    assert find_impurities(path.read_text(encoding="utf-8")) == []


def test_every_package_is_pure_or_said_not_to_be() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").is_file()}
    assert packages - IMPURE == {path.relative_to(PACKAGE).parts[0] for path in MODULES if path.parent != PACKAGE}
    assert packages >= IMPURE


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "import os",
        "from os import path",
        "import os.path as p",
        "from pathlib import Path",
        "import time",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.utcnow()",
        "import pandas as pd\npd.Timestamp.now()",
        "import random",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng",
        "import secrets",
        "import uuid",
        "import io\nio.open('x')",
        "import codecs\ncodecs.open('x')",
        "import pandas as pd\npd.read_csv('x')",
        "import pandas\npandas.read_parquet('x')",
        "def f(frame):\n    frame.to_csv('x')",
        "def f(frame):\n    frame.to_parquet('x')",
        "import pyarrow as pa\npa.OSFile('x')",
        "import pyarrow.parquet as pq",
        "from pyarrow import parquet",
        "import pyarrow.csv\npyarrow.csv.read_csv('x')",
        "import pyarrow.csv as c\nc.write_csv(t, 'x')",
        "from pyarrow.json import read_json\nread_json('x')",
        "def f():\n    import subprocess",
        "def f():\n    global x\n    x = 1",
        "import numpy as np\nnp.load('x')",
        "print('x')",
        "import sys\nsys.stdout.write('x')",
    ],
)
def test_the_walk_finds_what_it_must_refuse(source: str) -> None:
    assert find_impurities(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "import pyarrow as pa\nimport pyarrow.json\npyarrow.json.read_json(pa.BufferReader(b''))",
        "import pyarrow as pa\nfrom pyarrow.csv import read_csv\nread_csv(pa.BufferReader(b''))",
        "def read_projects(data): ...\nread_projects(b'')",
        "def f(array):\n    return array.to_numpy(), array.to_pylist(), array.to_pandas()",
        "import io\nio.StringIO()",
        "from datetime import UTC, datetime\ndatetime(2020, 1, 1, tzinfo=UTC)",
    ],
)
def test_the_walk_allows_what_is_pure(source: str) -> None:
    assert find_impurities(source) == []

"""Hash seed, locale, time zone and rerun change nothing: processes of their own build the embedded input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPO

CODE = """
import locale, shutil, sys, tagpipe
from pathlib import Path
from tagpipe.io.repository.layout import build_layout
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.stages.monitor import monitor
locale.setlocale(locale.LC_ALL, "")  # Python by itself leaves all but the encoding at C
source, params, out = sys.argv[1:]
built = tagpipe.build(source + "/projects.json", source + "/vocabulary.json", params=params, out=out)
shutil.copytree(source + "/../curation", out + "/curation", dirs_exist_ok=True)
monitor(build_layout(Path(out)), read_params(Path(params)))
print(built.content_sha256)
"""
PLAIN = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale in which Python itself would write ASCII."""

slow = pytest.mark.slow
SURROUNDINGS = [
    pytest.param({"PYTHONHASHSEED": "1"}, id="hash seed 1"),
    pytest.param({"PYTHONHASHSEED": "0"}, id="hash seed 0", marks=slow),
    pytest.param({"PYTHONHASHSEED": "2"}, id="hash seed 2", marks=slow),
    pytest.param({"PYTHONHASHSEED": "3"}, id="hash seed 3", marks=slow),
    pytest.param({"TZ": "Asia/Kathmandu"}, id="Kathmandu"),
    pytest.param({"TZ": "America/St_Johns"}, id="St John's", marks=slow),
    pytest.param(ASCII, id="C locale"),
    pytest.param({"LC_ALL": "POSIX", "PYTHONUTF8": "1"}, id="POSIX", marks=slow),
    pytest.param(
        {"PYTHONOPTIMIZE": "0", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}, id="threads", marks=slow
    ),
]


def make_locale(folder: Path, name: str) -> dict[str, str]:
    """What puts a process into that locale, compiled here: few machines have more than English installed."""
    (folder / "locales").mkdir()
    command = ["localedef", "-i", name, "-f", "UTF-8", str(folder / "locales" / f"{name}.UTF-8")]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the locale {name} cannot be compiled here: {error}")
    return {"LOCPATH": str(folder / "locales"), "LC_ALL": f"{name}.UTF-8"}


def build_apart(out: Path, surroundings: dict[str, str]) -> dict[str, object]:
    """The digest of each table and the bytes of every report of a build in a process of its own."""
    command = [sys.executable, "-c", CODE, str(REPO / "data" / "source"), str(REPO / "params.yaml"), str(out)]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(command, env=env | PLAIN | surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "labeled" / "manifest.json").read_bytes())
    assert done.stdout.strip() == manifest["content_sha256"]
    reports = {path.name: path.read_bytes() for path in (out / "reports").iterdir()}
    files = {path.name: path.read_bytes() for path in (out / "validated").iterdir()}
    return {"manifest": manifest, **reports, **files}


@pytest.fixture(scope="module")
def committed() -> str:
    """The content digest in the committed report."""
    report = json.loads((REPO / "data" / "reports" / "threshold.json").read_bytes())
    return str(report["content_sha256"])


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_surroundings_do_not_change_the_version(tmp_path: Path, committed: str, surroundings: dict[str, str]) -> None:
    built = build_apart(tmp_path / "out", surroundings)
    assert built["manifest"]["content_sha256"] == committed
    for name in ("validation.json", "annotation.json", "threshold.json", "tag_counts.csv", "monitor.json"):
        assert built[name] == (REPO / "data" / "reports" / name).read_bytes()


@pytest.mark.parametrize("name", ["tr_TR", pytest.param("de_DE", marks=slow), pytest.param("sv_SE", marks=slow)])
def test_a_language_does_not_change_the_version(tmp_path: Path, committed: str, name: str) -> None:
    """Turkish has another lower case of I; all three have other decimal signs and another order of letters."""
    surroundings = make_locale(tmp_path, name)
    asked = "import locale; print(locale.setlocale(locale.LC_ALL, ''), locale.localeconv()['decimal_point'])"
    told = subprocess.run([sys.executable, "-c", asked], env=surroundings, capture_output=True, text=True, check=True)
    assert told.stdout == f"{name}.UTF-8 ,\n", "the locale has taken effect"
    assert build_apart(tmp_path / "out", surroundings)["manifest"]["content_sha256"] == committed


@pytest.mark.slow
def test_a_rerun_into_the_same_folder_writes_the_same_bytes(tmp_path: Path) -> None:
    first = build_apart(tmp_path / "out", {})
    assert build_apart(tmp_path / "out", {"PYTHONHASHSEED": "7"}) == first
    tables = {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")}
    build_apart(tmp_path / "out", {})
    assert {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")} == tables

"""tagpipe installed from a wheel brings along what `tagpipe init` copies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from support.paths import REPO


def test_init_works_from_a_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    code = "import tagpipe, sys; from tagpipe.cli import main; sys.argv = ['tagpipe', 'init', 'made']; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sources = ("data/source/projects.json", "data/source/vocabulary.json", "params.yaml")
    for path in (*sources, "data/curation/ignore.json", "data/curation/not-same.json"):
        assert (tmp_path / "made" / path).read_bytes() == (REPO / path).read_bytes(), path
    stages = (tmp_path / "made" / "dvc.yaml").read_text()
    assert "tagpipe/" not in stages, "an installed tagpipe is a dependency by its version file alone"
    assert stages.count("- tagpipe.version") == 5
    assert (tmp_path / "made" / "tagpipe.version").read_text().startswith("tagpipe 0.")

"""What `tagpipe diff --rebuild` executes, and what the code that it executes gets to see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.processes import OPENS_REVISIONS, commit, git
from support.small_repository import build_small

from tagpipe.io.repository.layout import has_present_code, repository_layout
from tagpipe.io.runs.rebuild import run_foreign_code

pytestmark = OPENS_REVISIONS

SECRETS = ("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_DATABASE", "https_proxy", "PREFECT_API_KEY", "SSH_AUTH_SOCK")
TELLS = """
import json, os, pathlib
pathlib.Path("seen.json").write_text(json.dumps(dict(os.environ)))
print('{"stages": []}')
"""


def test_code_of_another_revision_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "a secret")
    package = tmp_path / "tagpipe"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(TELLS, encoding="utf-8")
    run_foreign_code(tmp_path)
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert "a secret" not in seen.values()
    assert {"PATH", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_GLOBAL"} <= set(seen)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A version on main, another on the branch `unmerged`, main checked out, and the data of both nowhere."""
    root = tmp_path / "project"
    build_small(root)
    git(root, "checkout", "--quiet", "-b", "unmerged")
    stages = root / "dvc.yaml"
    stages.write_text(stages.read_text(encoding="utf-8").replace("python -m tagpipe.stages.fetch", "touch executed"))
    commit(root, "Another command")
    git(root, "checkout", "--quiet", "main")
    shutil.rmtree(root / ".dvc/cache")
    monkeypatch.chdir(root)
    monkeypatch.delenv("CI", raising=False)
    return root


def test_with_the_same_code_nothing_of_the_revision_is_executed(project: Path, tagpipe: Any) -> None:
    """What ran as DVC's stages would be in its cache."""
    ended = tagpipe("diff", "v1", "main", "--rebuild")
    assert ended.exit_code == 0, ended.stderr
    assert "No difference" in ended.stdout
    assert not (project / ".dvc/cache").exists()


def test_another_pipeline_is_never_taken_for_the_same(project: Path, tagpipe: Any) -> None:
    """Its stages are other commands, so that the present code cannot stand in for them."""
    ended = tagpipe("diff", "main", "unmerged", "--rebuild")
    assert ended.exit_code == 3
    assert "cannot be rebuilt" in ended.stderr


def test_ci_rebuilds_what_is_merged_or_proposed_and_nothing_else(
    project: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    refused = tagpipe("diff", "main", "unmerged", "--rebuild")
    assert refused.exit_code == 2
    assert "is not rebuilt in CI, because that may execute its code" in refused.stderr
    git(project, "tag", "main", "unmerged")  # a tag is not the default branch
    assert tagpipe("diff", "v1", "refs/heads/unmerged", "--rebuild").exit_code == 2
    assert tagpipe("diff", "v1", "HEAD").exit_code == 0


def test_code_is_the_same_as_long_as_the_modules_that_stages_run_are(project: Path, tmp_path: Path) -> None:
    import tagpipe

    layout = repository_layout(project)
    assert has_present_code(layout, layout)  # it has none of its own
    package = Path(tagpipe.__file__).parent
    clone = tmp_path / "clone"
    shutil.copytree(package, clone / "tagpipe", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(package.parent / "dvc.yaml", clone)
    here = repository_layout(package.parent)
    assert has_present_code(repository_layout(clone), here)
    (clone / "tagpipe/cli/output.py").write_text("", encoding="utf-8")
    assert has_present_code(repository_layout(clone), here)
    (clone / "tagpipe/errors.py").write_text("", encoding="utf-8")
    assert not has_present_code(repository_layout(clone), here)

"""A dataset repository of three projects: what takes a repository, and not its size, is tested in one of these."""

from __future__ import annotations

from pathlib import Path

from support.in_process import build
from support.processes import commit, git
from tagpipe.io.repository.yaml_file import set_values
from tagpipe.operations.init_repository import init_repository

PROJECTS = """id,name,summary,labels,added
k-1,Kiln,bakes clay,torch;ocr,2023-02-01
k-2,Loom,weaves wool,pytorch,2023-02-02
k-3,Moss,grows slowly,ocr,2023-02-03
"""
VOCABULARY = "tag,aliases,parents\npytorch,torch,\nocr,,\n"


def init_small(root: Path, *, projects: str = PROJECTS, vocabulary: str = VOCABULARY) -> None:
    """A new one, not built yet; a project's tags stand in one cell, and one project keeps a tag."""
    inputs = root.parent / f"{root.name}.in"
    inputs.mkdir()
    (inputs / "projects.csv").write_text(projects, encoding="utf-8", newline="")
    (inputs / "vocabulary.csv").write_text(vocabulary, encoding="utf-8", newline="")
    init_repository(root, projects=inputs / "projects.csv", vocabulary=inputs / "vocabulary.csv")
    fields = {"id": "id", "title": "name", "description": "summary", "tags": "labels", "created_on": "added"}
    set_values(
        root / "params.yaml",
        {
            ("validate", "fields"): fields,
            ("validate", "id"): "string",
            ("validate", "tags_separator"): ";",
            ("threshold", "min_projects"): 1,
        },
    )


def build_small(root: Path) -> None:
    """As `init_small`, built and committed on main as the tag `v1`."""
    init_small(root)
    build(root)
    commit(root, "First version")
    git(root, "branch", "-M", "main")
    git(root, "tag", "v1")

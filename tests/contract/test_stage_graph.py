"""dvc.yaml against the code: every imported module lies under a dependency, every parameter section exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import grimp
import pytest
from ruamel.yaml import YAML
from support.paths import REPO

from tagpipe.params import Params

SECTIONS = {field.alias or name for name, field in Params.model_fields.items()}


def read_yaml(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load((REPO / name).read_text(encoding="utf-8")))


STAGES: dict[str, dict[str, Any]] = read_yaml("dvc.yaml")["stages"]


def outs_of(stage: dict[str, Any], *kinds: str) -> dict[str, bool]:
    """Path -> whether DVC caches it, of every output of these kinds."""
    outs = {}
    for kind in kinds:
        for entry in stage.get(kind, ()):
            path, options = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
            outs[path] = bool((options or {}).get("cache", True))
    return outs


ALL_OUTS = {
    path: cached for stage in STAGES.values() for path, cached in outs_of(stage, "outs", "metrics", "plots").items()
}


WRITTEN_BY_PEOPLE = ("data/source", "data/curation/ignore.json", "data/curation/not-same.json")


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph("tagpipe", exclude_type_checking_imports=True, cache_dir=None)


def closure_of(module: str) -> set[str]:
    """The module, and all that it imports, directly or not."""
    graph = import_graph()
    return {module, *graph.find_upstream_modules(module)}


def file_of(module: str) -> PurePosixPath:
    """Path of a module from the root."""
    path = PurePosixPath(*module.split("."))
    return path / "__init__.py" if (REPO / path).is_dir() else path.with_suffix(".py")


def has_code(path: PurePosixPath) -> bool:
    """False for an `__init__.py` that is nothing but its docstring."""
    return len(ast.parse((REPO / path).read_text(encoding="utf-8")).body) > 1


@pytest.mark.parametrize("name", STAGES)
def test_every_module_of_a_stage_lies_under_one_of_its_deps(name: str) -> None:
    deps = [PurePosixPath(path) for path in STAGES[name]["deps"] if path.startswith("tagpipe/")]
    files = {file_of(module) for module in closure_of(f"tagpipe.stages.{name}")}
    covered = {dep: {file for file in files if file.is_relative_to(dep)} for dep in deps}
    missing = sorted(file for file in files.difference(*covered.values()) if has_code(file))
    assert not missing, f"stage {name} imports {[*map(str, missing)]}: add their packages to its deps in dvc.yaml"
    idle = [str(dep) for dep, under in covered.items() if not any(map(has_code, under))]
    assert not idle, f"stage {name} imports nothing of {idle}: remove them from its deps in dvc.yaml"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_names_packages_and_only_the_modules_that_stand_alone(name: str) -> None:
    modules = {path for path in STAGES[name]["deps"] if path.startswith("tagpipe/") and path.endswith(".py")}
    assert modules <= {"tagpipe/errors.py", "tagpipe/params.py", f"tagpipe/stages/{name}.py"}


def test_a_compiled_module_is_no_change_of_a_dependency() -> None:
    ignored = (REPO / ".dvcignore").read_text(encoding="utf-8").splitlines()
    assert "__pycache__/" in ignored


@pytest.mark.parametrize("name", STAGES)
def test_deps_are_there_once(name: str) -> None:
    deps = STAGES[name]["deps"]
    assert sorted(set(deps)) == sorted(deps)
    data = [path for path in deps if path.startswith("data/") and path not in WRITTEN_BY_PEOPLE]
    assert [path for path in data if path not in ALL_OUTS] == []
    assert [path for path in deps if path in WRITTEN_BY_PEOPLE and not (REPO / path).exists()] == []
    code = [path for path in deps if path.startswith("tagpipe/")]
    assert [path for path in code if not (REPO / path).exists()] == []


def test_stages_are_the_modules_of_the_package() -> None:
    modules = {path.stem for path in (REPO / "tagpipe" / "stages").glob("*.py")} - {"__init__"}
    assert set(STAGES) == modules
    assert list(STAGES) == ["fetch", "validate", "annotate", "threshold", "monitor"]


@pytest.mark.parametrize("name", STAGES)
def test_commands_are_fixed(name: str) -> None:
    assert STAGES[name]["cmd"] == f"python -m tagpipe.stages.{name}"
    assert "${" not in (REPO / "dvc.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STAGES)
def test_parameters_are_whole_sections_that_exist(name: str) -> None:
    sections = STAGES[name]["params"]
    assert all(isinstance(section, str) for section in sections), "whole sections: DVC misses edits of single keys"
    assert set(sections) <= SECTIONS - {"schema"}
    assert set(sections) <= set(read_yaml("params.yaml"))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_every_section_that_it_reads(name: str) -> None:
    tree = ast.parse((REPO / "tagpipe" / "stages" / f"{name}.py").read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    read = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "params" and isinstance(node.ctx, ast.Load):
            above = parents[node]
            # Handed on whole, it may be read whole: the sections that shape a version then all count.
            read |= (
                {above.attr.rstrip("_")} if isinstance(above, ast.Attribute) else {"validate", "annotate", "threshold"}
            )
    assert read - set(STAGES[name]["params"]) == set()


def test_what_git_keeps_are_the_reports_and_nothing_else() -> None:
    reports = {path for stage in STAGES.values() for path in outs_of(stage, "metrics", "plots")}
    assert {path for path, cached in ALL_OUTS.items() if not cached} == reports
    assert {str(PurePosixPath(path).parent) for path in reports} == {"data/reports"}
    assert [path for path in ALL_OUTS if path.startswith("data/reports") and ALL_OUTS[path]] == []


def test_the_design_names_every_output() -> None:
    assert set(ALL_OUTS) == {
        "data/raw",
        "data/validated/projects.parquet",
        "data/validated/vocabulary.json",
        "data/validated/rejected.jsonl",
        "data/reports/validation.json",
        "data/annotated/projects.parquet",
        "data/annotated/tag_uses.parquet",
        "data/reports/annotation.json",
        "data/labeled/projects.parquet",
        "data/labeled/tags.parquet",
        "data/labeled/manifest.json",
        "data/reports/threshold.json",
        "data/reports/tag_counts.csv",
        "data/reports/monitor.json",
    }


def docstrings_of(tree: ast.AST) -> set[ast.AST]:
    """Every text that stands alone: docstrings, also those behind a name."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def folders() -> set[str]:
    paths = [PurePosixPath(path) for path in (*ALL_OUTS, *WRITTEN_BY_PEOPLE)]
    return {str(path) for each in paths for path in (each, *each.parents) if len(path.parts) > 1}


@pytest.mark.parametrize(
    "path", sorted((REPO / "tagpipe").rglob("*.py")), ids=lambda path: path.relative_to(REPO).as_posix()
)
def test_data_paths_stand_in_dvc_yaml_alone(path: Path) -> None:
    # A text with a blank in it is a message; one without is a path.
    tree = ast.parse(path.read_text(encoding="utf-8"))
    apart = docstrings_of(tree)
    texts = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in apart
        and " " not in node.value
    ]
    names = {"validated", "annotated", "labeled", "reports"}
    found = [
        f"{line}: {text!r}"
        for line, text in texts
        if any(folder in text for folder in folders()) or any(text.startswith(f"{name}/") for name in names)
    ]
    assert found == []

"""Where the files of a dataset project are. The paths themselves stand in dvc.yaml alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.yaml_file import read_yaml

DVC_FILE = "dvc.yaml"
PARAMS_FILE = "params.yaml"
CODE_FILE = "tagpipe.version"
"""In a project made by `tagpipe init`: which tagpipe built it, a dependency of every stage."""

SCRATCH = ".tagpipe"
"""Folder of locks, pinned downloads and the last error; git-ignored, never part of a version."""


_OUTS = ("outs", "metrics", "plots")
_RESTORE = "Restore dvc.yaml from git, or from `tagpipe init`"


@dataclass(frozen=True)
class Layout:
    """The files of a project, or of a directory that `tagpipe build` wrote.

    root: the project's folder. stages: DVC's stages by name. is_build: the paths are those of dvc.yaml without
    their first part (`data/`), and there is no DVC.
    """

    root: Path
    stages: dict[str, dict[str, Any]]
    is_build: bool = False

    def out(self, stage: str, name: str) -> Path:
        """The output called `name` (last part of its path) of `stage`. Raises ConfigError if there is none."""
        return self._find(stage, name, [path for path, _ in self.outs(stage)])

    def dep(self, stage: str, name: str) -> Path:
        """The dependency called `name` (last part of its path) of `stage`."""
        return self._find(stage, name, [str(path) for path in self._stage(stage).get("deps", ())])

    def outs(self, stage: str) -> list[tuple[str, bool]]:
        """(path, in DVC's cache) of every output, metric and plot of `stage`, as dvc.yaml has it."""
        found = []
        for kind in _OUTS:
            for entry in self._stage(stage).get(kind, ()):
                path, options = next(iter(entry.items())) if isinstance(entry, dict) else (entry, {})
                found.append((str(path), bool((options or {}).get("cache", True))))
        return found

    @cached_property
    def reports(self) -> list[str]:
        """Paths of the outputs that git keeps."""
        return [path for stage in self.stages for path, is_cached in self.outs(stage) if not is_cached]

    @property
    def params_file(self) -> Path:
        return self.root / PARAMS_FILE

    @property
    def scratch(self) -> Path:
        return self.root / SCRATCH

    def _stage(self, name: str) -> dict[str, Any]:
        if name not in self.stages:
            raise ConfigError(f"has no stage {name}", file=str(self.root / DVC_FILE), fix=_RESTORE)
        return self.stages[name]

    def _find(self, stage: str, name: str, paths: list[str]) -> Path:
        matches = [path for path in paths if PurePosixPath(path).name == name]
        if len(matches) != 1:
            raise ConfigError(
                f"stage {stage} should have one {name}",
                file=str(self.root / DVC_FILE),
                found=", ".join(paths),
                fix=_RESTORE,
            )
        relative = PurePosixPath(matches[0])
        return self.root.joinpath(*relative.parts[1:] if self.is_build else relative.parts)


def project_layout(root: Path) -> Layout:
    """The layout of the project at `root`. Raises ConfigError if there is no usable dvc.yaml."""
    path = root / DVC_FILE
    if not path.is_file():
        raise ConfigError(
            "not a dataset project: there is no dvc.yaml",
            file=str(root),
            fix="Go to the project's folder, or make one with `tagpipe init DIR`",
        )
    return Layout(root, parse_stages(read_yaml(path), file=str(path)))


def build_layout(directory: Path) -> Layout:
    """The layout of a directory that `tagpipe build` writes or wrote."""
    path = packaged_file(DVC_FILE)
    return Layout(directory, parse_stages(read_yaml(path), file=str(path)), is_build=True)


def find_layout(path: Path) -> Layout:
    """The layout of what is at `path`: a project, or a directory written by `tagpipe build`."""
    if (path / DVC_FILE).is_file():
        return project_layout(path)
    layout = build_layout(path)
    if layout.out("threshold", "manifest.json").is_file():
        return layout
    raise ConfigError(
        "neither a dataset project (dvc.yaml) nor a directory written by `tagpipe build`",
        file=str(path),
        fix="Name the right directory",
    )


def packaged_file(name: str) -> Path:
    """What tagpipe brings, such as dvc.yaml or data/source: in the installed package, or beside its checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_project" / name
    return installed if installed.exists() else package.parent / name


def code_version() -> str:
    """The installed tagpipe: its version, and a sha256 over its modules. What CODE_FILE holds."""
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode("utf-8") + b"\0" + path.read_bytes())
    return f"tagpipe {importlib.metadata.version('tagpipe')} {digest.hexdigest()}\n"


def parse_stages(tree: object, *, file: str) -> dict[str, dict[str, Any]]:
    """The stages of a parsed dvc.yaml. Raises ConfigError if it has none, or one of another form."""
    stages = tree.get("stages") if isinstance(tree, dict) else None
    if not isinstance(stages, dict) or not stages or not all(isinstance(each, dict) for each in stages.values()):
        raise ConfigError("has no stages", file=file, fix=_RESTORE)
    for name, stage in stages.items():
        for kind in ("deps", *_OUTS):
            entries = stage.get(kind, [])
            if not isinstance(entries, list) or not all(map(_is_entry, entries)):
                raise ConfigError(
                    "a stage is not what DVC reads",
                    file=file,
                    field=f"stages.{name}.{kind}",
                    found=escape_shown(entries),
                    expected="a list of paths, each alone or with its options",
                    fix=_RESTORE,
                )
    return stages


def _is_entry(entry: object) -> bool:
    """Whether it is a path, or a path with its options (a mapping, or nothing)."""
    if isinstance(entry, dict) and len(entry) == 1:
        (path, options), *_ = entry.items()
        return isinstance(path, str) and (options is None or isinstance(options, dict))
    return isinstance(entry, str)

"""Find the files of a dataset repository. Their paths are written in dvc.yaml alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from tagpipe.errors import ConfigError, escape_shown
from tagpipe.io.repository.yaml_file import read_yaml

DVC_FILE = "dvc.yaml"
PARAMS_FILE = "params.yaml"
CODE_FILE = "tagpipe.version"
"""Names the tagpipe that built a repository made by `tagpipe init`; there, every stage depends on it."""

SCRATCH = ".tagpipe"
"""Folder of locks, pinned downloads and the last error; git-ignored, never part of a version."""

_OUTPUT_KINDS = ("outs", "metrics", "plots")
_RESTORE = "Restore dvc.yaml from git, or from `tagpipe init`"
_PACKAGE = Path(__file__).resolve().parents[2]

_Options = dict[str, object]
_ENTRIES = TypeAdapter(list[str | Annotated[dict[str, _Options | None], Field(min_length=1, max_length=1)]])
"""Of a stage in dvc.yaml: paths, each alone or as the key of its options."""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml; paths are relative to the dataset repository."""

    deps: tuple[str, ...]
    outs: tuple[tuple[str, bool], ...]
    """(path, True if it is in DVC's cache, False if git keeps it) of every output, metric and plot."""
    sections: tuple[str, ...]
    """The sections of params.yaml that it reads."""


@dataclass(frozen=True)
class Layout:
    """The files of a dataset repository, or of a directory that `tagpipe build` wrote."""

    root: Path
    stages: dict[str, Stage]
    is_build: bool = False
    """True for a directory of `tagpipe build`: its paths lack the first part (`data/`), and there is no DVC."""

    def out(self, stage: str, name: str) -> Path:
        """The output of `stage` whose path ends in `name`. Raises ConfigError unless there is exactly one."""
        return self._find(stage, name, [path for path, _ in self._stage(stage).outs])

    def path_of(self, stage: str, name: str) -> str:
        """The path of an output, relative to `root`. Raises as `out` does."""
        return self.out(stage, name).relative_to(self.root).as_posix()

    def dep(self, stage: str, name: str) -> Path:
        """The dependency of `stage` whose path ends in `name`. Raises ConfigError unless there is exactly one."""
        return self._find(stage, name, self._stage(stage).deps)

    @cached_property
    def reports(self) -> list[str]:
        """Paths of the outputs that git keeps."""
        return [path for stage in self.stages.values() for path, is_cached in stage.outs if not is_cached]

    @property
    def params_file(self) -> Path:
        return self.root / PARAMS_FILE

    @property
    def scratch(self) -> Path:
        return self.root / SCRATCH

    def _stage(self, name: str) -> Stage:
        if name not in self.stages:
            raise ConfigError(f"has no stage {name}", file=str(self.root / DVC_FILE), fix=_RESTORE)
        return self.stages[name]

    def _find(self, stage: str, name: str, paths: Sequence[str]) -> Path:
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


def repository_layout(root: Path) -> Layout:
    """The layout of the dataset repository at `root`. Raises ConfigError if there is no usable dvc.yaml."""
    path = root / DVC_FILE
    if not path.is_file():
        raise ConfigError(
            "not a dataset repository: there is no dvc.yaml",
            file=str(root),
            fix="Go to the repository's folder, or make one with `tagpipe init DIR`",
        )
    return Layout(root, parse_stages(read_yaml(path), file=str(path)))


def build_layout(directory: Path) -> Layout:
    """The layout of a directory that `tagpipe build` writes or wrote."""
    path = packaged_file(DVC_FILE)
    return Layout(directory, parse_stages(read_yaml(path), file=str(path)), is_build=True)


def find_layout(path: Path) -> Layout:
    """The layout of a dataset repository, or of a directory written by `tagpipe build`. Raises ConfigError."""
    if (path / DVC_FILE).is_file():
        return repository_layout(path)
    layout = build_layout(path)
    if layout.out("threshold", "manifest.json").is_file():
        return layout
    raise ConfigError(
        "neither a dataset repository (dvc.yaml) nor a directory written by `tagpipe build`",
        file=str(path),
        fix="Name the right directory",
    )


def packaged_file(name: str) -> Path:
    """A file that comes with tagpipe, such as dvc.yaml: in the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "_project" / name
    return installed if installed.exists() else _PACKAGE.parent / name


def code_version() -> str:
    """The content of CODE_FILE: the version of the installed tagpipe, and a sha256 over its modules."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):  # sorted: the file system's order differs from machine to machine
        digest.update(path.relative_to(_PACKAGE).as_posix().encode("utf-8") + b"\0" + path.read_bytes())
    return f"tagpipe {importlib.metadata.version('tagpipe')} {digest.hexdigest()}\n"


def has_present_code(layout: Layout, present: Layout) -> bool:
    """True if the stages of a dataset repository are those of `present`, and what they run is the code that runs now.

    So it is where tagpipe is installed, and in a clone whose modules are the same, as far as the stages depend on them.
    """
    ours, theirs = (read_yaml(one.root / DVC_FILE).get("stages") for one in (present, layout))
    paths = {PurePosixPath(path) for stage in present.stages.values() for path in stage.deps}
    return ours == theirs and all(
        _read_modules(layout.root / path) == _read_modules(_PACKAGE.parent / path)
        for path in paths
        if path.parts[0] == _PACKAGE.name
    )


def _read_modules(path: Path) -> dict[str, bytes]:
    """Relative path -> bytes of the modules of a package, or of one module."""
    files = path.rglob("*.py") if path.is_dir() else [path]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files if file.is_file()}


def parse_stages(tree: object, *, file: str) -> dict[str, Stage]:
    """The stages of a parsed dvc.yaml, by name. Raises ConfigError if it has none, or one that DVC cannot read."""
    stages = tree.get("stages") if isinstance(tree, dict) else None
    if not isinstance(stages, dict) or not stages or not all(isinstance(stage, dict) for stage in stages.values()):
        raise ConfigError("has no stages", file=file, fix=_RESTORE)
    return {name: _parse_stage(stage, file=file, field=f"stages.{name}") for name, stage in stages.items()}


def _parse_stage(stage: dict[str, object], *, file: str, field: str) -> Stage:
    def read(kind: str) -> list[tuple[str, _Options]]:
        try:
            entries = _ENTRIES.validate_python(stage.get(kind, []), strict=True)
        except ValidationError:
            raise ConfigError(
                "a stage is not what DVC reads",
                file=file,
                field=f"{field}.{kind}",
                found=escape_shown(stage[kind]),
                expected="a list of paths, each alone or with its options",
                fix=_RESTORE,
            ) from None
        named = (entry if isinstance(entry, dict) else {entry: None} for entry in entries)
        return [(path, options or {}) for entry in named for path, options in entry.items()]

    params = stage.get("params")
    return Stage(
        deps=tuple(path for path, _ in read("deps")),
        outs=tuple((path, bool(options.get("cache", True))) for kind in _OUTPUT_KINDS for path, options in read(kind)),
        sections=tuple(entry for entry in params if isinstance(entry, str)) if isinstance(params, list) else (),
    )

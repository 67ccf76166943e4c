"""Make a new dataset repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tagpipe.errors import ConfigError
from tagpipe.io.git.new_repository import start_repository
from tagpipe.io.repository.curation_files import IGNORE_FILE, LOG_FILE, NOT_SAME_FILE, curation_file
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.files import write_bytes
from tagpipe.io.repository.ignore_files import write_ignore_files
from tagpipe.io.repository.layout import (
    CODE_FILE,
    DVC_FILE,
    PARAMS_FILE,
    SCRATCH,
    Layout,
    packaged_file,
    repository_layout,
)
from tagpipe.io.repository.programs import find_git
from tagpipe.io.repository.raw_files import copy_raw, open_raw, suffix_of
from tagpipe.io.repository.yaml_file import dump_yaml, read_yaml, set_values
from tagpipe.io.runs.reproduce import write_code_version

_GITIGNORE = f"{SCRATCH}/\n.*.tmp\ndvc_plots/\n.venv/\n__pycache__/\n"
_GITATTRIBUTES = """\
# What is hashed keeps its bytes: without this, git rewrites line endings where core.autocrlf is set.
{source}/** -text
{curation}/** -text
{reports}/** -text
{lock} -text
{code} -text

# The edits of two branches: the log has the lines of both.
{log} merge=union
"""
_README = """# A labeled dataset, built by tagpipe

    tagpipe run          # build it, and show what came out
    tagpipe explain ID   # why a project has its tags
    dvc push             # share the data (after `dvc remote add -d NAME URL`)

The inputs are in `data/source/`, every parameter in `params.yaml`, the stages in `dvc.yaml`. Commit `dvc.lock` and
`data/reports/` after a run: they are the version. `tagpipe monitor` shows what is new outside of the vocabulary;
`data/curation/ignore.json` lists what it ignores.
"""


def init_repository(directory: Path, *, projects: Path | None = None, vocabulary: Path | None = None) -> list[str]:
    """Make a dataset repository in a new or empty folder, ready to run; returns the paths of its files.

    projects, vocabulary: your own inputs (None: the sample that comes with tagpipe). Raises ConfigError if the folder
    holds anything but a git repository, or if git or DVC cannot be run.
    """
    inputs = {"projects": projects, "vocabulary": vocabulary}
    # What can be checked is checked first: a folder that is half made would be refused the next time.
    _check_directory(directory)
    _check_inputs(inputs)
    find_git()
    directory.mkdir(parents=True, exist_ok=True)
    write_bytes(directory / DVC_FILE, _make_stages())
    write_bytes(directory / PARAMS_FILE, packaged_file(PARAMS_FILE).read_bytes())
    layout = repository_layout(directory)
    _copy_inputs(layout, inputs)
    _write_curation_lists(layout)
    write_bytes(directory / ".gitignore", _GITIGNORE.encode())
    write_ignore_files(layout)
    write_bytes(directory / ".gitattributes", _make_attributes(layout).encode())
    write_bytes(directory / "README.md", _README.encode())
    write_code_version(layout)
    start_repository(directory)
    return sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and not {".git", "tmp", "cache"} & set(path.relative_to(directory).parts)
    )


def _make_attributes(layout: Layout) -> str:
    log = PurePosixPath(curation_file(layout, LOG_FILE).relative_to(layout.root))
    return _GITATTRIBUTES.format(
        source=layout.dep("fetch", "source").relative_to(layout.root).as_posix(),
        curation=log.parent,
        reports=PurePosixPath(layout.reports[0]).parent,
        lock=LOCK_FILE,
        code=CODE_FILE,
        log=log,
    )


def _check_directory(directory: Path) -> None:
    names = [path.name for path in directory.iterdir() if path.name != ".git"] if directory.is_dir() else []
    if names or (directory.exists() and not directory.is_dir()):
        raise ConfigError(
            "is not an empty folder", file=str(directory), found=", ".join(sorted(names)[:3]), fix="Name a new one"
        )


def _check_inputs(inputs: Mapping[str, Path | None]) -> None:
    """Read the inputs before anything is written. Raises ConfigError or InputError."""
    for path in inputs.values():
        if path is not None:
            suffix_of(path)
            open_raw(path)


def _make_stages() -> bytes:
    """dvc.yaml for an installed tagpipe: its version as one dependency, in place of its packages."""
    tree = read_yaml(packaged_file(DVC_FILE))
    for stage in tree["stages"].values():
        stage["deps"] = [path for path in stage["deps"] if not path.startswith("tagpipe/")] + [CODE_FILE]
    return dump_yaml(tree).encode("utf-8")


def _copy_inputs(layout: Layout, inputs: Mapping[str, Path | None]) -> None:
    """Copy the inputs, or the sample, to data/source/, and name them in params.yaml."""
    folder = layout.dep("fetch", "source")
    sample = packaged_file(folder.relative_to(layout.root).as_posix())
    names = {name: copy_raw(path or sample / f"{name}.json", folder, name) for name, path in inputs.items()}
    if renamed := {name: file_name for name, file_name in names.items() if file_name != f"{name}.json"}:
        set_values(layout.params_file, {("source", name): {"path": file_name} for name, file_name in renamed.items()})


def _write_curation_lists(layout: Layout) -> None:
    for name in (IGNORE_FILE, NOT_SAME_FILE):
        path = curation_file(layout, name)
        write_bytes(path, packaged_file(path.relative_to(layout.root).as_posix()).read_bytes())

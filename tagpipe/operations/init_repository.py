"""A dataset project as a whole: make a new one, refresh the pins of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagpipe.dataset.build import Raw, RawFile, describe_sources, validate
from tagpipe.errors import ConfigError
from tagpipe.io.git.new_repository import find_git, start_repository
from tagpipe.io.repository.curation_files import IGNORE_FILE, LOG_FILE, NOT_SAME_FILE, curation_file
from tagpipe.io.repository.files import write_bytes
from tagpipe.io.repository.layout import (
    CODE_FILE,
    DVC_FILE,
    PARAMS_FILE,
    SCRATCH,
    Layout,
    packaged_file,
    project_layout,
)
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.raw_files import copy_raw, open_raw, suffix_of
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.io.repository.yaml_file import dump_yaml, read_params, read_yaml, replace_text, set_values
from tagpipe.io.runs.edit_journal import finish_edit
from tagpipe.io.runs.reproduce import Echo, write_code_version
from tagpipe.io.sources.download import Progress, download
from tagpipe.io.sources.sources import each_source, fetch_source, store_pinned
from tagpipe.io.versions.version import Version
from tagpipe.params import Params

_GITIGNORE = f"{SCRATCH}/\n.*.tmp\ndvc_plots/\n.venv/\n__pycache__/\n"
_GITATTRIBUTES = "# The edits of two branches: the log has the lines of both, to the byte.\n{log} merge=union -text\n"
_README = """# A labeled dataset, built by tagpipe

    tagpipe run          # build it, and show what came out
    tagpipe explain ID   # why a project has its tags
    dvc push             # share the data (after `dvc remote add -d NAME URL`)

The inputs are in `data/source/`, every parameter in `params.yaml`, the stages in `dvc.yaml`. Commit `dvc.lock` and
`data/reports/` after a run: they are the version. `tagpipe monitor` shows what is new outside of the vocabulary;
`data/curation/ignore.json` says what is no news.
"""


def init_project(directory: Path, *, projects: Path | None = None, vocabulary: Path | None = None) -> list[str]:
    """Make a dataset project in a new or empty folder, ready to run; the paths written.

    projects, vocabulary: one's own inputs (None: the sample that comes with tagpipe). Raises ConfigError if the
    folder holds anything but a git repository, or git or DVC cannot be run.
    """
    found = [path.name for path in directory.iterdir() if path.name != ".git"] if directory.is_dir() else []
    if found or (directory.exists() and not directory.is_dir()):
        raise ConfigError(
            "is not an empty folder", file=str(directory), found=", ".join(sorted(found)[:3]), fix="Name a new one"
        )
    own = {"projects": projects, "vocabulary": vocabulary}
    for path in own.values():
        if path is not None:
            suffix_of(path)
            open_raw(path)
    find_git()
    tree = read_yaml(packaged_file(DVC_FILE))
    for stage in tree["stages"].values():
        stage["deps"] = [path for path in stage["deps"] if not path.startswith("tagpipe/")] + [CODE_FILE]
    directory.mkdir(parents=True, exist_ok=True)
    write_bytes(directory / DVC_FILE, dump_yaml(tree).encode("utf-8"))
    write_bytes(directory / PARAMS_FILE, packaged_file(PARAMS_FILE).read_bytes())
    layout = project_layout(directory)
    folder = layout.dep("fetch", "source")
    sample = packaged_file(folder.relative_to(directory).as_posix())
    names = {name: copy_raw(path or sample / f"{name}.json", folder, name) for name, path in own.items()}
    if renamed := {name: file_name for name, file_name in names.items() if file_name != f"{name}.json"}:
        set_values(layout.params_file, {("source", name): {"path": file_name} for name, file_name in renamed.items()})
    for name in (IGNORE_FILE, NOT_SAME_FILE):
        path = curation_file(layout, name)
        write_bytes(path, packaged_file(path.relative_to(directory).as_posix()).read_bytes())
    write_bytes(directory / ".gitignore", _GITIGNORE.encode())
    log = curation_file(layout, LOG_FILE).relative_to(directory).as_posix()
    write_bytes(directory / ".gitattributes", _GITATTRIBUTES.format(log=log).encode())
    write_bytes(directory / "README.md", _README.encode())
    write_code_version(layout)
    start_repository(directory)
    return sorted(
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and not {".git", "tmp", "cache"} & set(path.relative_to(directory).parts)
    )


@dataclass(frozen=True)
class PinChange:
    """A source's pin before, and what is upstream now. url: as it may be shown."""

    name: str
    url: str
    old_sha256: str
    new_sha256: str

    @property
    def moved(self) -> bool:
        return self.old_sha256 != self.new_sha256


@dataclass(frozen=True)
class Refreshed:
    """What `refresh` found. old_counts: of the version in the workspace, None if it has none. Counts as in
    validation.json `projects`; n_tags and n_warnings of the vocabulary. accepted: the new pins were written."""

    pins: tuple[PinChange, ...]
    new_counts: Mapping[str, Any]
    old_counts: Mapping[str, Any] | None
    accepted: bool

    @property
    def moved(self) -> bool:
        return any(pin.moved for pin in self.pins)


def refresh(root: Path, *, echo: Echo, check: bool = False, progress: Progress | None = None) -> Refreshed:
    """Look upstream, prove that the new bytes parse and validate, and (unless `check`) write their pins.

    Both pins are written or neither, into params.yaml with its comments kept; nothing is built. An edit of the
    vocabulary that a kill left half written is finished first, and echo called with a line for people about it; not
    with `check`, which writes nothing. progress: of each download, as `io.download` has it. Raises ConfigError if no
    source has a url, SourceUnavailable, and whatever the new bytes fail with.
    """
    layout = project_layout(root)
    with hold_run_lock(layout.scratch, command="tagpipe refresh"):
        if not check and (killed := finish_edit(layout.scratch)) is not None:
            echo(killed.in_words)
        params = read_params(layout.params_file)
        received, pins = _look_upstream(layout, params, progress)
        validated, vocabulary, findings = validate(Raw(received["projects"], received["vocabulary"]), params)
        counts = {
            "n_in": validated.n_in,
            "n_rejected": validated.n_rejected,
            "n_duplicates": validated.n_duplicates,
            "n_valid": validated.rows.num_rows,
            "n_tags": len(vocabulary.tags),
            "n_warnings": len(findings),
        }
        moved = [pin for pin in pins if pin.moved]
        if moved and not check:
            # Both were proved together: the version then builds from here alone, whatever becomes of upstream.
            for pin in pins:
                store_pinned(layout, received[pin.name].data[:])
            replace_text(layout.params_file, {("source", pin.name, "sha256"): pin.new_sha256 for pin in moved})
    return Refreshed(tuple(pins), counts, _read_old_counts(layout), bool(moved) and not check)


def _look_upstream(
    layout: Layout, params: Params, progress: Progress | None
) -> tuple[dict[str, RawFile], list[PinChange]]:
    sources = each_source(params.source)
    if all(source.url is None for _, source in sources):
        raise ConfigError(
            "no source has a url, so there is nothing to refresh",
            file=PARAMS_FILE,
            field="source",
            fix="Files of data/source/ are read anew by every `tagpipe run`",
        )
    received, pins = {}, []
    for name, source in sources:
        if source.url is None:
            data = fetch_source(layout, name, source, params.source.download).data
        else:
            data = download(source.url, params.source.download, name=name, progress=progress)
        received[name] = RawFile(f"source.{name}", source.suffix, data)
    found = describe_sources(Raw(received["projects"], received["vocabulary"]))
    for name, source in sources:
        if source.url is not None and source.sha256 is not None:
            pins.append(PinChange(name, without_secrets(source.url), source.sha256, str(found[name]["sha256"])))
    return received, pins


def _read_old_counts(layout: Layout) -> dict[str, Any] | None:
    if not layout.out("validate", "validation.json").is_file():
        return None
    report = Version(layout).read_json("validate", "validation.json")
    projects, vocabulary = report["projects"], report["vocabulary"]
    return {
        **{name: projects[name] for name in ("n_in", "n_rejected", "n_duplicates", "n_valid")},
        "n_tags": vocabulary["n_tags"],
        "n_warnings": sum(vocabulary["n_warnings"].values()),
    }

"""The sides of a comparison, read from a git revision, the workspace or a directory of `tagpipe build`.

Only a version that is whole and up to date is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from tagpipe.comparison.sides import Side
from tagpipe.dataset.build import build
from tagpipe.dataset.compare_builds import side_of
from tagpipe.errors import ConfigError, InputError, IntegrityError, TagpipeError, escape_shown
from tagpipe.io.git.commits import DEFAULT_BRANCHES, find_commit, is_ancestor
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.files import md5_of
from tagpipe.io.repository.layout import (
    CODE_FILE,
    PARAMS_FILE,
    Layout,
    build_layout,
    code_version,
    has_present_code,
    repository_layout,
)
from tagpipe.io.repository.reports import RESTORE
from tagpipe.io.repository.revisions import open_revision
from tagpipe.io.repository.yaml_file import parse_yaml, read_params
from tagpipe.io.runs.rebuild import run_foreign_code, shared_worktree
from tagpipe.io.runs.staleness import find_changed_dependencies, find_stale
from tagpipe.io.sources.sources import SOURCE_NAMES, fetch_sources, receive
from tagpipe.io.versions.raw_inputs import read_raw
from tagpipe.io.versions.read_whole import read_whole
from tagpipe.io.versions.usage import count_out_of_vocabulary
from tagpipe.io.versions.version import Version, as_damage, open_version, read_checked_table, read_content
from tagpipe.params import Params, dump_params, parse_params
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.validation import ValidationReport, VocabularyFile
from tagpipe.vocabulary.vocabulary import load_vocabulary

WORKSPACE = "workspace"
_LEDGER = "annotate/tag_uses"
_USE_COLUMNS = ["normalized_tag", "outcome"]

_WAYS_OUT = (
    "Run `tagpipe run` at that revision and commit dvc.lock and data/reports, `dvc pull` its data, or let "
    "`tagpipe diff --rebuild` build it from its pinned sources"
)


@dataclass(frozen=True, eq=False)
class LoadedSide:
    """A side, and what it was built from."""

    side: Side
    version: Version
    code: Mapping[str, str] | None
    """Path -> md5 of its code in dvc.lock; None for a directory of `tagpipe build`, which does not record it."""

    def read_raw(self) -> Raw:
        """The received inputs. Raises InputError if they are gone, IntegrityError if they are damaged."""
        return Raw(*(self._read_input(name) for name in SOURCE_NAMES))

    def _read_input(self, name: str) -> RawFile:
        suffix: str = getattr(self.side.params.source, name).suffix
        return RawFile(name, suffix, read_raw(self.version, name, suffix, sha256=self.side.sources[name]))


def is_folder(name: str) -> bool:
    """True if a folder has this name, which may be no possible one: of 5,000 letters, or with a NUL."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):
        return False


@contextmanager
def open_side(root: Path, name: str, *, rebuild: bool, is_own: bool = False) -> Iterator[LoadedSide]:
    """The side called `name`: `workspace`, a revision of the repository at `root`, or a directory.

    Raises InputError if its data is missing or stale; with `rebuild` a revision is built anew instead.
    """
    if name == WORKSPACE:
        yield _load_workspace(root, WORKSPACE)
    elif (commit := find_commit(root, name)) is not None:
        with _open_commit(root, name, commit, rebuild=rebuild, is_own=is_own) as loaded:
            yield loaded
    elif is_folder(name):
        yield _load_directory(Path(name), name)
    else:
        raise ConfigError(
            "neither a revision of this repository nor a directory",
            field="BASE or HEAD",
            found=escape_shown(name),
            expected=f"a branch, tag or commit, `{WORKSPACE}`, or a directory written by `tagpipe build`",
            fix="Name one; in a shallow clone, `git fetch` it first",
        )


@contextmanager
def _open_commit(root: Path, name: str, commit: str, *, rebuild: bool, is_own: bool) -> Iterator[LoadedSide]:
    try:
        try:
            loaded = _load_revision(root, name, commit)
            if rebuild:
                loaded.read_raw()  # replays need it, and now it can still be built
        except InputError:
            if not rebuild:
                raise
        else:
            yield loaded
            return
        if not is_own:
            _refuse_untrusted(root, commit)
        with shared_worktree(root, commit) as tree:
            yield _rebuild(root, tree, _shown_revision(name, commit), commit)
    finally:
        # DVC 3.67 keeps two files open for each revision; reading on opens them again.
        with suppress(TagpipeError):
            open_revision(str(root), commit)[0].repo.close()


def _refuse_untrusted(root: Path, commit: str) -> None:
    """Raise ConfigError for a revision that CI must not execute: one that nobody has merged or proposed."""
    if os.environ.get("CI") and not any(is_ancestor(root, commit, ref) for ref in ("HEAD", *DEFAULT_BRANCHES)):
        raise ConfigError(
            "is not rebuilt in CI, because that may execute its code",
            file=f"revision {commit[:12]}",
            expected="an ancestor of HEAD or of the default branch",
            fix="Name such a revision, or `dvc push` its data, which is then compared without a build",
        )


def _rebuild(root: Path, tree: Path, name: str, commit: str) -> LoadedSide:
    """The version of a commit, whose files are in the work tree `tree`, built again.

    By the code that runs now, in memory, if the commit has the same; else by its own, as a program.
    """
    layout = repository_layout(tree)
    try:
        if not has_present_code(layout, repository_layout(root)):
            with suppress(TagpipeError):  # its own fetch then says what is wrong
                fetch_sources(layout, read_params(layout.params_file).source)
            run_foreign_code(tree)
            return _load(Version(layout), name, commit)
        params = read_params(layout.params_file)
        raw = Raw(*(RawFile(source.name, source.suffix, source.data) for source in receive(layout, params.source)))
        side = replace(side_of(build(raw, (), params), name), commit=commit)
    except TagpipeError as error:
        raise InputError(
            f"cannot be rebuilt (exit code {error.exit_code})",
            found=escape_shown(error.what),
            file=f"revision {commit[:12]}",
            fix="Check that revision out and run `tagpipe run` there to see all of it, or `dvc pull` its data",
        ) from None
    return LoadedSide(side, Version(layout), _recorded_code(layout))


def _recorded_code(layout: Layout) -> dict[str, str] | None:
    """The code in the dvc.lock of a work tree that has the present code; None if there is no such lock."""
    if not (layout.root / LOCK_FILE).is_file():
        return None
    code = parse_lock((layout.root / LOCK_FILE).read_bytes()).code
    return None if find_changed_dependencies(layout.root, code) else code


def load_built(root: Path, params: Params) -> LoadedSide:
    """The version last built in the workspace, whatever was edited since.

    params: the present ones, for the sections that the manifest does not record. Raises InputError or IntegrityError
    if the version is missing or not whole.
    """

    def read() -> LoadedSide:
        version = Version(repository_layout(root))
        with _missing_is_damage():
            manifest = version.read_report(Manifest)
        # The parameters that it was built with: params.yaml may have been edited since.
        recorded = manifest.params.as_dict()
        built_with = parse_params({**dump_params(params), **recorded}, file="manifest.json")
        return _load_whole(version, "the version last built", params=built_with)

    return read_whole(root, read)


def was_built_by_present_code(loaded: LoadedSide) -> bool:
    """True if the installed code is the one that built a version of the workspace."""
    root = loaded.version.layout.root
    if loaded.code is None or find_changed_dependencies(root, loaded.code):
        return False
    recorded = loaded.code.get(CODE_FILE)
    return recorded in (None, md5_of(code_version().encode("utf-8")))


def _shown_revision(name: str, commit: str) -> str:
    return commit[:12] if commit.startswith(name) else f"{name} ({commit[:12]})"


def _load_workspace(root: Path, name: str) -> LoadedSide:
    def read() -> LoadedSide:
        layout = repository_layout(root)
        stale = find_stale(root, None)
        if stale and set(stale) <= _changed_outputs(layout):
            _load_whole(Version(layout), name)  # an output that nobody's edit made stale may be damaged
        _refuse_stale(stale, name, "Run `tagpipe run` first, or look at the edit with `tagpipe preview`")
        return _load_whole(Version(layout), name)

    return read_whole(root, read)


def _load_directory(path: Path, name: str) -> LoadedSide:
    if (path / LOCK_FILE).is_file():
        return _load_workspace(path, name)
    version = Version(build_layout(path))
    if not version.layout.out("threshold", "manifest.json").is_file():
        raise ConfigError(
            "not a directory written by `tagpipe build`", file=name, fix="Build it, or name another directory"
        )
    return read_whole(path, lambda: _load_whole(Version(version.layout), name))


def _load_revision(root: Path, name: str, commit: str) -> LoadedSide:
    shown = _shown_revision(name, commit)
    _refuse_stale(find_stale(root, commit), f"revision {shown}", _WAYS_OUT)
    try:
        return _load(open_version(root, commit), shown, commit)
    except InputError as error:
        raise InputError(error.what, file=f"revision {shown}, {error.file}", fix=_WAYS_OUT) from None


def _refuse_stale(stale: list[str], file: str, fix: str) -> None:
    if stale:
        raise InputError(
            "dvc.lock does not describe what is there, so nobody has built this version",
            file=file,
            fix=fix,
            details=tuple(stale),
        )


def _changed_outputs(layout: Layout) -> set[str]:
    """What `find_stale` says of outputs that have changed, and of nothing else."""
    return {f"{name}: {path} is modified" for name, stage in layout.stages.items() for path, _ in stage.outs}


def _load_whole(version: Version, name: str, *, params: Params | None = None) -> LoadedSide:
    """The side of a version that should be here: a file that is missing is damage."""
    with _missing_is_damage():
        return _load(version, name, params=params)


@contextmanager
def _missing_is_damage() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise as_damage(error) from None


def _load(version: Version, name: str, commit: str | None = None, *, params: Params | None = None) -> LoadedSide:
    content = read_content(version)
    projects = read_checked_table(version, content.manifest, "annotate/projects")
    side = Side(
        name=name,
        projects=projects.select(["id", "created_on", "text"]),
        labels=content.projects.select(["id", "tags"]),
        tags=content.tags,
        out_of_vocabulary=count_out_of_vocabulary(_read_uses(version, content.manifest)),
        vocabulary=load_vocabulary(version.read_report(VocabularyFile)),
        params=params or parse_params(parse_yaml(version.read_file(PARAMS_FILE), file=PARAMS_FILE)),
        validation=version.read_report(ValidationReport),
        threshold=content.report,
        sources=content.manifest.sources,
        commit=commit,
    )
    if version.layout.is_build:
        return LoadedSide(side, version, code=None)
    return LoadedSide(side, version, parse_lock(version.read_file(LOCK_FILE)).code)


def _read_uses(version: Version, manifest: Manifest) -> pa.Table:
    """The columns of the ledger that the counts need.

    It is ten times as long as the other tables, so its values are hashed only where its bytes are not recorded.
    """
    if version.recorded is None:
        return read_checked_table(version, manifest, _LEDGER).select(_USE_COLUMNS)
    uses, n_rows = version.read_table(_LEDGER, columns=_USE_COLUMNS), manifest.tables[_LEDGER].n_rows
    if uses.num_rows != n_rows:
        raise IntegrityError(
            f"{uses.num_rows} rows, the manifest has {n_rows}", file=version.path_of_table(_LEDGER), fix=RESTORE
        )
    return uses

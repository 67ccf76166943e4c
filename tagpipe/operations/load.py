"""The Python API: load a dataset version, build one, ask why a project is labeled as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tagpipe.dataset.build import Build, Raw, RawFile, build_manifest
from tagpipe.dataset.build import build as build_in_memory
from tagpipe.dataset.explanation import Explanation, explain_project
from tagpipe.dataset.summary import Summary, summarize
from tagpipe.errors import ConfigError, InputError, escape_shown
from tagpipe.io.repository.files import write_bytes, write_json, write_lines, write_table
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, build_layout, packaged_file
from tagpipe.io.repository.raw_files import copy_raw, open_raw, suffix_of
from tagpipe.io.repository.yaml_file import read_params, set_values
from tagpipe.io.versions.build_folder import check_build_folder, fill_build_folder
from tagpipe.io.versions.version import Version, open_version
from tagpipe.steps.threshold.manifest import tag_counts
from tagpipe.steps.validate.json_projects import Progress
from tagpipe.tables.schemas import IdType, id_kind_of
from tagpipe.vocabulary.vocabulary import load_vocabulary

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

    from tagpipe.tables.monitor_report import Monitoring


@dataclass(frozen=True)
class Dataset:
    """One labeled dataset version.

    manifest: counts, parameters, digests. reports: the JSON reports by name.
    """

    manifest: dict[str, Any] = field(repr=False)
    reports: dict[str, dict[str, Any]] = field(repr=False)
    _projects: pa.Table = field(repr=False, compare=False)
    _tags: pa.Table = field(repr=False, compare=False)

    def __repr__(self) -> str:
        n_projects, n_tags = self._projects.num_rows, len(self.tag_names)
        return f"<Dataset {self.content_sha256[:12]}: {n_projects} projects, {n_tags} tags>"

    @property
    def content_sha256(self) -> str:
        """What identifies the version's content."""
        return str(self.manifest["content_sha256"])

    @property
    def projects(self) -> pd.DataFrame:
        """id, created_on (UTC), text, tags (list of kept tags, ascending); by ascending id."""
        frame: pd.DataFrame = self._projects.drop_columns("tags").to_pandas()
        frame["tags"] = self._projects.column("tags").to_pylist()
        return frame

    @property
    def tags(self) -> pd.DataFrame:
        """tag, n_projects, prevalence (0-1), kept: every tag seen, by n_projects descending, then tag."""
        frame: pd.DataFrame = self._tags.to_pandas()
        return frame

    @property
    def tag_names(self) -> list[str]:
        """The kept tags in the order of the columns of `multi_hot`: by n_projects descending, then tag."""
        return list(self._tags.filter(self._tags.column("kept")).column("tag").to_pylist())

    def multi_hot(self) -> csr_array:
        """uint8 matrix, n_projects x n_tags: 1 where the project (row of `projects`) has the tag (`tag_names`)."""
        import numpy as np
        from scipy.sparse import csr_array

        from tagpipe.tables.tag_lists import tag_lists_of

        lists = tag_lists_of(self._projects.column("tags"))
        column_of = {tag: column for column, tag in enumerate(self.tag_names)}
        columns = np.array([column_of[tag] for tag in lists.values.to_pylist()], dtype=np.int32)
        indices = columns[lists.codes] if len(lists.codes) else lists.codes
        shape = (lists.n_rows, len(column_of))
        matrix = csr_array((np.ones(len(indices), dtype=np.uint8), indices, lists.offsets), shape=shape)
        matrix.sort_indices()
        return matrix

    @property
    def summary(self) -> Summary:
        """What `tagpipe summary` shows."""
        return summarize(self.reports["validation"], self.reports["annotation"], self.reports["threshold"])


def load(path_or_repo: str | Path = ".", rev: str | None = None) -> Dataset:
    """A dataset version: of a project's workspace or a directory written by `build` (rev None), or of a git
    repository (path or address) at revision `rev`, read through DVC's cache and remote.

    Raises ConfigError or InputError where there is none.
    """
    version = open_version(path_or_repo, rev)
    return Dataset(
        version.read_json("threshold", "manifest.json"),
        _read_reports(version),
        version.read_table("threshold/projects"),
        version.read_table("threshold/tags"),
    )


_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
"""What `int` may be asked: it takes 2_0, digits of other scripts and white space, too, but no more than 4300 digits."""
_REPORTS = {"validate": "validation", "annotate": "annotation", "threshold": "threshold"}


def load_summary(path: str | Path = ".") -> Summary:
    """The summary of what is at `path`, from its reports alone."""
    reports = _read_reports(open_version(path))
    return summarize(reports["validation"], reports["annotation"], reports["threshold"])


def load_monitoring(path: str | Path = ".") -> Monitoring:
    """What the new-tag monitor found in the version at `path`, a dataset project. Raises ConfigError or InputError."""
    from tagpipe.tables.monitor_report import load_monitoring as read_monitoring

    version = open_version(path)
    if version.layout.is_build:
        raise ConfigError(
            "has no report of the monitor: `tagpipe build` writes the dataset alone",
            file=str(path),
            fix="Make a project with `tagpipe init`, and `tagpipe run` it",
        )
    return read_monitoring(version.read_json("monitor", "monitor.json"))


def _read_reports(version: Version) -> dict[str, dict[str, Any]]:
    return {name: version.read_json(stage, f"{name}.json") for stage, name in _REPORTS.items()}


def build(
    projects: str | Path,
    vocabulary: str | Path,
    *,
    params: str | Path | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """The whole pipeline in this process, without DVC or git.

    params: a params.yaml (None: the one that comes with tagpipe); its `source` is not used. out: a folder to write
    everything to, only if all of it is good: raw/, validated/, annotated/, labeled/, reports/, params.yaml; it must
    be new, empty, or an earlier build's. progress: called with (bytes parsed, bytes in all). Raises ConfigError,
    InputError or GuardError.
    """
    layout = None if out is None else build_layout(Path(out))
    if layout is not None:
        check_build_folder(layout)
    params_path = Path(params) if params is not None else packaged_file(PARAMS_FILE)
    paths = {"projects": Path(projects), "vocabulary": Path(vocabulary)}
    values = read_params(params_path)
    raw = Raw(*(RawFile(path.name, suffix_of(path), open_raw(path)) for path in paths.values()))
    built = build_in_memory(raw, (), values, progress=progress)
    tables = built.tables
    manifest = build_manifest(built, tables)
    if layout is not None:
        with fill_build_folder(layout) as place:
            _write_build(place, built, tables, manifest, paths, params_path)
    return Dataset(manifest, built.reports, tables["threshold/projects"], tables["threshold/tags"])


def _write_build(
    layout: Layout,
    built: Build,
    tables: dict[str, pa.Table],
    manifest: dict[str, Any],
    paths: dict[str, Path],
    params_path: Path,
) -> None:
    """Write every file of a build to an empty folder."""
    raw = layout.out("fetch", "raw")
    names = {name: copy_raw(path, raw, name) for name, path in paths.items()}
    write_table(layout.out("validate", "projects.parquet"), built.validated.table)
    write_json(layout.out("validate", "vocabulary.json"), built.vocabulary.as_dict())
    write_lines(layout.out("validate", "rejected.jsonl"), built.validated.rejected)
    for key, table in tables.items():
        stage, name = key.split("/")
        write_table(layout.out(stage, f"{name}.parquet"), table)
    for stage, name in _REPORTS.items():
        write_json(layout.out(stage, f"{name}.json"), built.reports[name])
    write_bytes(layout.out("threshold", "tag_counts.csv"), tag_counts(tables["threshold/tags"]).encode("utf-8"))
    write_bytes(layout.params_file, params_path.read_bytes())
    set_values(layout.params_file, {("source", name): {"path": file_name} for name, file_name in names.items()})
    write_json(layout.out("threshold", "manifest.json"), manifest)


def explain(project_id: str, tag: str | None = None, *, path: str | Path = ".") -> Explanation:
    """Why a project of the version at `path` has or lacks `tag` (or, without one, all of its tags).

    Raises InputError where there is no such project; it says so if its row was rejected, and why.
    """
    version = open_version(path)
    projects = version.read_table("annotate/projects", columns=["id"])
    key = _parse_id(project_id, projects, version)
    params = version.read_json("threshold", "manifest.json")["params"]
    return explain_project(
        key,
        version.read_table("annotate/tag_uses", filters=[("project_id", "=", key)]),
        version.read_table("threshold/tags"),
        load_vocabulary(version.read_json("validate", "vocabulary.json")),
        min_projects=params["threshold"]["min_projects"],
        normalize=params["annotate"]["normalize"],
        aliases=params["annotate"]["aliases"],
        tag=tag,
    )


def _parse_id(project_id: str, projects: pa.Table, version: Version) -> int | str:
    """The id in its column's type, if there is such a project."""
    import pyarrow.compute as pc

    key: int | str = project_id
    kind = id_kind_of(projects)
    if kind == "integer":
        if not _INTEGER.fullmatch(project_id):
            raise InputError(
                "not an id of this dataset",
                field="PROJECT_ID",
                found=escape_shown(project_id),
                expected="an integer",
                fix=_why_rejected(version, project_id, kind),
            )
        key = int(project_id)
    known = projects.column("id")
    can_be = isinstance(key, str) or -(1 << 63) <= key < 1 << 63
    if can_be and pc.index(known, pa.scalar(key, known.type)).as_py() >= 0:
        return key
    raise InputError(
        "there is no such project in this version",
        field="PROJECT_ID",
        found=escape_shown(key),
        fix=_why_rejected(version, project_id, kind) or "Look the id up in data/source or data/raw",
    )


def _why_rejected(version: Version, project_id: str, kind: IdType) -> str | None:
    """Why a row with this id (as a number or a text) was rejected, if one was."""
    asked = _name_of(project_id, kind)
    for row in version.read_lines("validate", "rejected.jsonl"):
        if _name_of(row["id"], kind) == asked:
            return f"Row {row['row']} with this id was rejected: {row['field']} is {row['reason']} ({row['found']})"
    return None


def _name_of(received: object, kind: IdType) -> str | None:
    """What an id as received would be called, whatever its type; None for what is no id at all."""
    if isinstance(received, bool) or not isinstance(received, int | str):
        return None
    text = str(received)
    return str(int(text)) if kind == "integer" and _INTEGER.fullmatch(text) else text

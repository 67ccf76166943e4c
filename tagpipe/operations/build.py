"""Build a dataset version from files, without a dataset repository."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tagpipe.dataset.build import Build, build_manifest
from tagpipe.dataset.build import build as build_in_memory
from tagpipe.dataset.dataset import Dataset
from tagpipe.io.repository.files import write_bytes, write_json, write_lines, write_table
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, build_layout, packaged_file
from tagpipe.io.repository.raw_files import copy_raw, open_raw, suffix_of
from tagpipe.io.repository.reports import write_report
from tagpipe.io.repository.yaml_file import read_params, set_values
from tagpipe.io.versions.build_folder import check_build_folder, fill_build_folder
from tagpipe.io.versions.recorded_bytes import SUMS_FILE, make_sums
from tagpipe.steps.validate.received_rows import Progress
from tagpipe.steps.validate.validate import Raw, RawFile
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.tag_counts import tag_counts


def build(
    projects: str | Path,
    vocabulary: str | Path,
    *,
    params: str | Path | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Run the whole pipeline in this process, without DVC or git.

    params: a params.yaml (None: the one that comes with tagpipe); its `source` is not used. out: a folder for the files
    of the build, which is new, empty, or an earlier build's; nothing is written if anything fails. progress: called
    with (bytes parsed, bytes in all). Raises ConfigError, InputError or GuardError.
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
        with fill_build_folder(layout) as staging:
            _write_build(staging, built, tables, manifest, paths, params_path)
    return Dataset(manifest, built.reports, tables["threshold/projects"], tables["threshold/tags"])


def _write_build(
    layout: Layout,
    built: Build,
    tables: dict[str, pa.Table],
    manifest: Manifest,
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
    for report in built.reports:
        write_report(layout, report)
    write_bytes(layout.out("threshold", "tag_counts.csv"), tag_counts(tables["threshold/tags"]).encode("utf-8"))
    write_bytes(layout.params_file, params_path.read_bytes())
    set_values(layout.params_file, {("source", name): {"path": file_name} for name, file_name in names.items()})
    write_report(layout, manifest)
    folder = raw.relative_to(layout.root)
    received = {(folder / file_name).as_posix(): manifest.sources[name] for name, file_name in names.items()}
    write_bytes(layout.root / SUMS_FILE, make_sums(layout.root, received))

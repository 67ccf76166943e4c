"""Events for automations: every published version is announced once, whoever published it and however its run ended.

The last announcement is remembered in .tagpipe/. The next run announces a version that a run published but could not
announce (it was killed, or the server was gone), and one that a person published by merging a pull request.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.events import emit_event

from tagpipe.errors import InputError
from tagpipe.io.repository.files import read_json, write_json
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.versions.history import read_versions
from tagpipe.operations.publish import Publication

PREFIX = "tagpipe.dataset."
PUBLISHED = PREFIX + "published"
MEMORY = "announced.json"


def announce(root: Path, publication: Publication) -> None:
    """Emit `tagpipe.dataset.refused` or `.proposed` for a candidate, and `.published` for a new version."""
    if publication.outcome in ("refused", "proposed"):
        _emit(root, PREFIX + publication.outcome, {**(_count(root, publication.commit) or {}), **_fields(publication)})
    counted = _count(root, publication.base)
    if counted is None:
        return
    is_new = publication.outcome == "published"
    layout = repository_layout(root)
    settings = read_params(layout.params_file).publish
    where = "local" if settings.to == "local" else f"{settings.remote} {settings.branch}"
    current = {"where": where, "content_sha256": counted["content_sha256"]}
    last = _read_memory(layout)
    # A version that was there before this repository was first followed is not announced.
    if is_new or (last != current and last.get("where") == where):
        earlier = Publication("published", "published since the last run", publication.base, publication.base)
        _emit(root, PUBLISHED, {**counted, **_fields(publication if is_new else earlier)})
    if last != current:
        write_json(layout.scratch / MEMORY, current)


def _emit(root: Path, event: str, payload: dict[str, Any]) -> None:
    name = root.name
    resource = {"prefect.resource.id": PREFIX + name, "prefect.resource.name": name}
    emit_event(event=event, resource=resource, payload=payload)


def _fields(publication: Publication) -> dict[str, Any]:
    document = publication.document
    return {
        "commit": publication.commit,
        "ref": publication.ref,
        "pull_request": publication.pull_request,
        "reason": publication.reason,
        "n_labels_added": document.n_labels_added if document else None,
        "n_labels_removed": document.n_labels_removed if document else None,
        "gates_failed": [gate.name for gate in document.gates if not gate.passed] if document else [],
    }


def _count(root: Path, commit: str | None) -> dict[str, Any] | None:
    """Digest and counts of the version at a commit, from its report; None if it has none."""
    try:
        report = read_versions(root, commit or "", n_most=1)[-1].threshold
    except (InputError, IndexError):
        return None
    projects = report.projects
    counts = {
        "n_projects": projects.n_in - projects.n_rejected - projects.n_duplicates,
        "n_labeled": projects.n_labeled,
        "n_labels": report.tag_uses.n_kept,
        "n_tags_kept": report.tags.n_kept,
    }
    return {"content_sha256": report.content_sha256, "counts": counts}


def _read_memory(layout: Layout) -> dict[str, Any]:
    """The last announcement: `where` (remote and branch, or `local`) and `content_sha256`; empty if it is unknown."""
    try:
        memory = read_json(layout.scratch / MEMORY)
    except InputError:
        return {}
    return memory if isinstance(memory, dict) else {}

"""The artifacts of a publication in Prefect, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from tagpipe.comparison.document import DiffDocument
from tagpipe.dataset.summary import Summary
from tagpipe.io.publication.proposal import find_repository
from tagpipe.io.repository.layout import repository_layout
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.operations.publish import Publication
from tagpipe.render.diff.markdown import markdown_diff
from tagpipe.render.diff.verdict import gate_numbers
from tagpipe.render.summary import markdown_summary
from tagpipe.render.text import visible

SUMMARY_KEY = "tagpipe-dataset-summary"
DIFF_KEY = "tagpipe-dataset-diff"
GATES_KEY = "tagpipe-dataset-gates"
TAGS_KEY = "tagpipe-dataset-tags"
COMMIT_KEY = "tagpipe-dataset-commit"


def write_artifacts(root: Path, publication: Publication) -> None:
    """Write the comparison, the gates, the candidate's summary and tags, and a link to it, as far as they exist."""
    if publication.document is not None:
        _write_comparison(publication.document, publication.outcome)
    if publication.summary is not None:
        _write_summary(publication.summary, publication.outcome)
    if publication.commit is not None and (link := find_link(root, publication)):
        create_link_artifact(key=COMMIT_KEY, link=link, description=f"What was {publication.outcome}")


def _write_comparison(document: DiffDocument, outcome: str) -> None:
    create_markdown_artifact(
        key=DIFF_KEY, markdown=markdown_diff(document), description=f"Candidate against published version: {outcome}"
    )
    create_table_artifact(key=GATES_KEY, table=list_gates(document), description="What the gates found")


def list_gates(document: DiffDocument) -> list[dict[str, Any]]:
    """Every gate as a row, in the order of params.yaml."""
    rows = []
    for gate in document.gates:
        value, limit = gate_numbers(gate)
        result = "off" if gate.limit is None else "held" if gate.passed else "FAILED"
        rows.append({"gate": visible(gate.name), "found": value, "at most": limit, "result": result})
    return rows


def _write_summary(summary: Summary, outcome: str) -> None:
    create_markdown_artifact(
        key=SUMMARY_KEY, markdown=markdown_summary(summary), description=f"The version that was {outcome}"
    )
    create_table_artifact(
        key=TAGS_KEY, table=list_tags(summary), description=f"Kept tags of the version that was {outcome}"
    )


def list_tags(summary: Summary) -> list[dict[str, Any]]:
    """Every kept tag as a row, the most popular first."""
    return [{"tag": visible(tag), "projects": n_projects} for tag, n_projects in summary.kept]


def find_link(root: Path, publication: Publication) -> str | None:
    """The address of the pull request or commit on GitHub; None if it was not pushed there."""
    settings = read_params(repository_layout(root).params_file).publish
    repository = None if settings.to == "local" else find_repository(root, settings.remote)
    if repository is None:
        return None
    page = f"pull/{publication.pull_request}" if publication.pull_request else f"commit/{publication.commit}"
    return f"https://github.com/{repository}/{page}"

"""Pin what upstream has now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tagpipe.errors import ConfigError
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, repository_layout
from tagpipe.io.repository.leftovers import remove_leftovers
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.secrets import without_secrets
from tagpipe.io.repository.yaml_file import read_params, replace_text
from tagpipe.io.runs.edit_log import finish_killed_edits
from tagpipe.io.runs.run_dvc import Echo
from tagpipe.io.sources.download import Progress, download
from tagpipe.io.sources.pinned_store import store_pinned
from tagpipe.io.sources.sources import fetch_source, named_sources
from tagpipe.io.versions.version import Version
from tagpipe.params import Params
from tagpipe.steps.validate.validate import Raw, RawFile, validate
from tagpipe.tables.reports.validation import ReceivedSource, ValidationReport


@dataclass(frozen=True)
class PinChange:
    """The pin of a source."""

    name: str
    url: str
    """Without the secrets in it."""
    old_sha256: str
    """In params.yaml, before the refresh."""
    new_sha256: str
    """Of what is upstream now."""

    @property
    def moved(self) -> bool:
        return self.old_sha256 != self.new_sha256


@dataclass(frozen=True)
class Refreshed:
    """What `refresh` did."""

    pins: tuple[PinChange, ...]
    new_counts: Mapping[str, int]
    """n_in, n_rejected, n_duplicates and n_valid as in validation.json; n_tags and n_warnings of the vocabulary."""
    old_counts: Mapping[str, int] | None
    """Those of the version in the workspace; None if it has none."""
    accepted: bool
    """True if new pins were written."""

    @property
    def moved(self) -> bool:
        return any(pin.moved for pin in self.pins)


def refresh(root: Path, *, echo: Echo, check: bool = False, progress: Progress | None = None) -> Refreshed:
    """Look upstream, prove that the new bytes parse and validate, and (unless `check`) write their pins.

    Either both pins are written or neither, into params.yaml, whose comments stay; nothing is built. Unless `check`, an
    edit of the vocabulary that a kill left half written is finished first, and `echo` gets a line about it. progress:
    called for each download. Raises ConfigError if no source has a url, SourceUnavailable, and what the new bytes fail
    with.
    """
    layout = repository_layout(root)
    with hold_run_lock(layout.scratch, command="tagpipe refresh"):
        if not check:
            finish_killed_edits(layout, echo=echo)
            remove_leftovers(layout.params_file)
        params = read_params(layout.params_file)
        received = _look_upstream(layout, params, progress)
        report = validate(received, params.validate_).report
        pins = _compare_pins(params, report.sources)
        moved = [pin for pin in pins if pin.moved]
        if moved and not check:
            # Both, for they were validated together: the version then builds from the store, whatever becomes of
            # upstream.
            for pin in pins:
                store_pinned(layout, received.file(pin.name).data[:])
            replace_text(layout.params_file, {("source", pin.name, "sha256"): pin.new_sha256 for pin in moved})
    return Refreshed(tuple(pins), _count(report), _read_old_counts(layout), bool(moved) and not check)


def _look_upstream(layout: Layout, params: Params, progress: Progress | None) -> Raw:
    sources = named_sources(params.source)
    if all(source.url is None for _, source in sources):
        raise ConfigError(
            "no source has a url, so there is nothing to refresh",
            file=PARAMS_FILE,
            field="source",
            fix="Files of data/source/ are read anew by every `tagpipe run`",
        )
    received = {}
    for name, source in sources:
        if source.url is None:
            data = fetch_source(layout, name, source, params.source.download).data
        else:
            data = download(source.url, params.source.download, name=name, progress=progress)
        received[name] = RawFile(f"source.{name}", source.suffix, data)
    return Raw(received["projects"], received["vocabulary"])


def _compare_pins(params: Params, received: Mapping[str, ReceivedSource]) -> list[PinChange]:
    return [
        PinChange(name, without_secrets(source.url), source.sha256, received[name].sha256)
        for name, source in named_sources(params.source)
        if source.url is not None and source.sha256 is not None
    ]


def _read_old_counts(layout: Layout) -> dict[str, int] | None:
    if not layout.out(*ValidationReport.OUTPUT).is_file():
        return None
    return _count(Version(layout).read_report(ValidationReport))


def _count(report: ValidationReport) -> dict[str, int]:
    return {
        "n_in": report.projects.n_in,
        "n_rejected": report.projects.n_rejected,
        "n_duplicates": report.projects.n_duplicates,
        "n_valid": report.projects.n_valid,
        "n_tags": report.vocabulary.n_tags,
        "n_warnings": sum(report.vocabulary.n_warnings.values()),
    }

"""Check every file of a version: the tables of the manifest by their values, all files by their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from tagpipe.errors import ConfigError, InputError, IntegrityError
from tagpipe.io.versions.raw_inputs import check_raw
from tagpipe.io.versions.version import CONTENT, Version, as_damage, check_content, check_digest, table_digest
from tagpipe.tables.digest import content_sha256
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.schemas import table_schemas


def verify_version(version: Version, *, with_raw: bool = True) -> dict[str, str]:
    """Check every file of a version.

    Tables are checked by their values against the manifest, received inputs against its sources, and everything that
    dvc.lock or SHA256SUMS records by its bytes. with_raw: False where the inputs are looked at elsewhere. Returns
    path -> digest of the tables, and `content` -> that of the content. Raises IntegrityError, which names every file
    that is missing, unreadable or not as it was built.
    """
    values = replace(version, is_checked=False)
    try:
        manifest, report = values.read_report(Manifest), values.read_report(ThresholdReport)
    except InputError as error:
        raise as_damage(error) from None
    found = _Found({})
    digests = _check_values(values, manifest, report, found)
    with found.at(""):
        recorded = version.read_record()
        for path in () if recorded is None else recorded.digests:
            with found.at(path):
                version.check_file(path)
    for name, sha256 in manifest.sources.items() if with_raw else ():
        with found.at(version.layout.path_of("fetch", "raw")):
            check_raw(values, name, sha256=sha256)
    if found.wrong:
        raise found.as_error()
    return {**digests, "content": manifest.content_sha256}


def _check_values(values: Version, manifest: Manifest, report: ThresholdReport, found: _Found) -> dict[str, str]:
    """Path -> digest of the tables."""
    digests: dict[str, str] = {}
    content: dict[str, pa.Table] = {}  # kept; the other tables, up to ten times as long, are freed once hashed
    for key in table_schemas("integer"):
        path = values.path_of_table(key)
        with found.at(path):
            table = values.read_table(key)
            digests[path] = table_digest(values, key, table)
            check_digest(values, manifest, key, digests[path])
            if key in CONTENT:
                content[key] = table
    if len(content) == len(CONTENT):
        with found.at(""):
            check_content(values, manifest, report, content_sha256(*(content[key] for key in CONTENT)))
    return digests


class _Found:
    """Path -> what is wrong with the file."""

    def __init__(self, wrong: dict[str, str]) -> None:
        self.wrong = wrong

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Note an expected error of the block."""
        try:
            yield
        except (ConfigError, InputError, IntegrityError) as error:
            self.wrong.setdefault(error.file or path, error.what)

    def as_error(self) -> IntegrityError:
        return IntegrityError(
            f"{len(self.wrong)} file{'s differ' if len(self.wrong) > 1 else ' differs'} from the manifest",
            file=next(iter(self.wrong)),
            fix="Restore with `dvc checkout`, or build anew with `tagpipe run`",
            details=tuple(f"{path}: {what}" for path, what in self.wrong.items()),
        )

"""The bytes that the files of a version must have: dvc.lock has their md5, SHA256SUMS those of a build folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tagpipe.errors import IntegrityError, escape_shown
from tagpipe.io.repository.dvc_lock import parse_lock
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.reports import RESTORE

SUMS_FILE = "SHA256SUMS"
"""In a folder of `tagpipe build`, as `sha256sum --check` reads it."""

_SUMS_LINE = re.compile(r"([0-9a-f]{64})  ([^\0\n]+)")


@dataclass(frozen=True)
class RecordedBytes:
    """Path -> digest of the files of one version."""

    source: str
    """The file that holds the record."""
    algorithm: str
    digests: Mapping[str, str]

    def check(self, path: str, data: bytes) -> None:
        """Raise IntegrityError if `data`, the bytes of `path`, are not those recorded. Other paths pass."""
        self.check_digest(path, hashlib.new(self.algorithm, data, usedforsecurity=False).hexdigest())

    def check_file(self, path: str, file: Path) -> None:
        """As `check`, of a file on the disk, which need not fit into memory."""
        with file.open("rb") as opened:
            self.check_digest(path, hashlib.file_digest(opened, self.algorithm).hexdigest())

    def check_digest(self, path: str, found: str) -> None:
        recorded = self.digests.get(path)
        if recorded is not None and found != recorded:
            raise IntegrityError(f"{self.algorithm} {found}, {self.source} has {recorded}", file=path, fix=RESTORE)


def parse_recorded_md5(layout: Layout, lock: bytes, *, source: str) -> RecordedBytes:
    """What a dvc.lock records of the files of `layout`; folders are left out. Raises ConfigError if it is damaged."""
    stages = parse_lock(lock).stages
    outs = (out for name in layout.stages if name in stages for out in stages[name].outs)
    # Entries without a kind of hash are DVC 2's, whose md5 is of text with other line endings.
    digests = {out.path: out.md5 for out in outs if out.md5 and out.hash == "md5" and not out.md5.endswith(".dir")}
    return RecordedBytes(source, "md5", digests)


def parse_sums(data: bytes) -> RecordedBytes:
    """What SHA256SUMS records. Raises IntegrityError if it is damaged."""
    lines = data.decode("utf-8", "replace").split("\n")
    matches = [_SUMS_LINE.fullmatch(line) for line in lines[:-1]]
    pairs = [(match[2], match[1]) for match in matches if match]
    if len(pairs) < len(matches) or lines[-1] or any(_leaves_folder(path) for path, _ in pairs):
        wrong = next((line for line, match in zip(lines, matches, strict=False) if not match), lines[-1])
        raise IntegrityError("is not what tagpipe writes", file=SUMS_FILE, found=escape_shown(wrong), fix=RESTORE)
    return RecordedBytes(SUMS_FILE, "sha256", dict(pairs))


def _leaves_folder(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def make_sums(folder: Path, known: Mapping[str, str]) -> bytes:
    """SHA256SUMS of every file in a folder. known: path -> sha256 of those that need not be read."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return "".join(f"{known.get(path) or _sha256_of(folder / path)}  {path}\n" for path in paths).encode("utf-8")


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

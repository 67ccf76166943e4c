"""How old the published version is, and how long its sources have been what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tagpipe.history.versions import RecordedVersion

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Age:
    """How long something has been as it is."""

    what: str
    since: str
    """UTC, ISO 8601."""
    age_days: float
    commit: str
    """The commit that brought it."""
    is_bounded: bool = False
    """True if it may be older, for the history that was read begins with it."""


def measure_freshness(versions: Sequence[RecordedVersion], now: datetime) -> list[Age]:
    """The age of the last of `versions` (the oldest first, at least one), then of each of its sources."""
    last = versions[-1]
    ages = [_age("published version", last, now)]
    for name in last.validation.sources:
        changed = _find_change(versions, name)
        ages.append(_age(f"{name} as published", changed, now, is_bounded=changed is versions[0]))
    return ages


def _find_change(versions: Sequence[RecordedVersion], source: str) -> RecordedVersion:
    """The version since which the source has been what it is in the last one.

    A source that changed and came back counts from its return.
    """
    first = versions[-1]
    for version in reversed(versions):
        if _sha256(version, source) != _sha256(first, source):
            break
        first = version
    return first


def _sha256(version: RecordedVersion, source: str) -> str | None:
    received = version.validation.sources.get(source)
    return received.sha256 if received else None


def _age(what: str, version: RecordedVersion, now: datetime, *, is_bounded: bool = False) -> Age:
    seconds = (now - datetime.fromisoformat(version.committed_at)).total_seconds()
    # The committer's clock may be ahead of ours.
    return Age(what, version.committed_at, max(0.0, seconds / SECONDS_A_DAY), version.commit, is_bounded)

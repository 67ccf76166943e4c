"""How old the published version is, and how long its sources have been what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tagpipe.history.versions import RecordedVersion

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Age:
    """Of what; since when (UTC, ISO 8601) it is as it is; by which commit. is_bounded: it may be older, for the
    history that was read begins there."""

    what: str
    since: str
    age_days: float
    commit: str
    is_bounded: bool = False


def measure_freshness(versions: Sequence[RecordedVersion], now: datetime) -> list[Age]:
    """The age of the last of `versions` (the oldest first, at least one), then of each of its sources."""
    last = versions[-1]
    ages = [_age("published version", last, now)]
    for name in last.validation.sources:
        changed = _find_change(versions, name)
        ages.append(_age(f"{name} as published", changed, now, is_bounded=changed is versions[0]))
    return ages


def _find_change(versions: Sequence[RecordedVersion], source: str) -> RecordedVersion:
    """The first version that has the source as the last one has it, without another in between."""
    found = versions[-1]
    for version in reversed(versions):
        if _digest(version, source) != _digest(found, source):
            break
        found = version
    return found


def _digest(version: RecordedVersion, source: str) -> str | None:
    received = version.validation.sources.get(source)
    return received.sha256 if received else None


def _age(what: str, version: RecordedVersion, now: datetime, *, is_bounded: bool = False) -> Age:
    seconds = (now - datetime.fromisoformat(version.committed_at)).total_seconds()
    return Age(what, version.committed_at, max(0.0, seconds / SECONDS_A_DAY), version.commit, is_bounded)

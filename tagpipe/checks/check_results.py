"""The findings of a check-up: what is wrong, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tagpipe.errors import ConfigError, IntegrityError

Level = Literal["ok", "warning", "error"]
Kind = Literal["configuration", "integrity"]

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True)
class CheckResult:
    """kind: of an error; it decides the exit code. fix: empty where there is nothing to mend."""

    check: str
    level: Level
    what: str
    fix: str = ""
    kind: Kind = "configuration"


def exit_code_of(findings: Iterable[CheckResult]) -> int:
    """0 without an error; else that of the worse kind, which is integrity."""
    kinds = {finding.kind for finding in findings if finding.level == "error"}
    if "integrity" in kinds:
        return IntegrityError.exit_code
    return ConfigError.exit_code if kinds else 0


def judge_libraries(versions: Mapping[str, str]) -> Iterator[CheckResult]:
    """versions: of what is installed, by name. Each pair that is refused here was seen to fail."""
    check = "libraries"
    bad = list(_iter_bad(versions, check))
    yield from bad
    if not bad:
        shown = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield CheckResult(check, "ok", f"no version that is known to fail ({shown})")


def _iter_bad(versions: Mapping[str, str], check: str) -> Iterator[CheckResult]:
    def at_least(name: str, *lowest: int) -> bool:
        return name in versions and release_of(versions[name]) >= lowest

    lock = "Install what requirements.lock has: `make setup`"
    if "prefect" in versions and at_least("fastapi", 0, 151):
        yield CheckResult(
            check, "error", f"fastapi {versions['fastapi']}: every flow of Prefect 3.8 dies with it", lock
        )
    if "prefect" in versions and at_least("sqlalchemy", 2, 1):
        what = f"sqlalchemy {versions['sqlalchemy']}: Prefect 3.8 shows the schedule as active and never starts a run"
        yield CheckResult(check, "error", what, lock)
    if at_least("prefect", 3, 9):
        yield CheckResult(check, "warning", f"prefect {versions['prefect']} is not tested, 3.8 is", lock)
    if "dvc" in versions and release_of(versions["dvc"]) != (3, 67):
        what = f"dvc {versions['dvc']}: its locks are healed as 3.67 writes them"
        yield CheckResult(check, "warning", what, lock)


def release_of(version: str) -> tuple[int, ...]:
    """The first two numbers of a version.

    >>> release_of("0.151.0rc1")
    (0, 151)
    """
    numbers = ("".join(c for c in part if c.isdigit()) for part in version.split(".")[:2])
    return tuple(int(number or 0) for number in numbers)


def judge_disk(place: str, *, free_bytes: int) -> CheckResult:
    """A run writes every table beside its place, and DVC copies it into the cache: it needs room twice."""
    what = f"{free_bytes / GIB:.1f} GiB are free {place}"
    fix = "Make room; `dvc gc --workspace --all-commits` drops what no commit names"
    if free_bytes < 100 * MIB:
        return CheckResult("disk", "error", what, fix)
    return CheckResult("disk", "warning", what, fix) if free_bytes < GIB else CheckResult("disk", "ok", what)

"""Check-ups on a terminal: a line for each object or finding, below it what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagpipe.checks.check_results import CheckResult, Level
from tagpipe.checks.stored_objects import ObjectCheck, describe_fix, summarize_checks
from tagpipe.render.text import count_nouns, visible


def render_objects(checks: Sequence[ObjectCheck], *, at_revision: bool) -> str:
    """One line per object, followed by its damaged copies and the fix; sound objects come first."""
    lines = [f"objects: {summarize_checks(checks)}"]
    for check in sorted(checks, key=lambda check: check.state != "ok"):
        lines += _lines_of(check, at_revision=at_revision)
    return "\n".join(lines)


def _lines_of(check: ObjectCheck, *, at_revision: bool) -> list[str]:
    lines = [f"{check.state}: {visible(', '.join(check.paths))} (md5 {visible(check.md5)})"]
    for copy in check.copies:
        if copy.condition != "ok":
            remark = f": {copy.remark}" if copy.remark else ""
            lines.append(visible(f"  {copy.condition} in {copy.place}: {copy.location}{remark}"))
    if fix := describe_fix(check, at_revision=at_revision):
        lines.append(visible(f"  to heal it: {fix}"))
    return lines


def json_objects(checks: Sequence[ObjectCheck], *, at_revision: bool) -> list[dict[str, Any]]:
    """The checks as JSON-ready objects, for scripts."""
    from dataclasses import asdict

    return [
        {
            "md5": check.md5,
            "paths": list(check.paths),
            "state": check.state,
            "is_damaged": check.is_damaged,
            "copies": [asdict(copy) for copy in check.copies],
            "fix": describe_fix(check, at_revision=at_revision),
        }
        for check in checks
    ]


_ORDER: tuple[Level, ...] = ("ok", "warning", "error")


def render_findings(findings: Sequence[CheckResult]) -> str:
    """One line per finding with its fix below, errors last, and a count at the end."""
    lines = []
    for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.level)):
        lines.append(visible(f"{finding.level:<7}  {finding.check}: {finding.what}"))
        if finding.fix:
            lines.append(visible(f"         {finding.fix}"))
    n_ok, n_warnings, n_errors = (sum(finding.level == level for finding in findings) for level in _ORDER)
    return "\n".join([*lines, f"{n_ok} ok, {count_nouns(n_warnings, 'warning')}, {count_nouns(n_errors, 'error')}"])

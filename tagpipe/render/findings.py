"""What a check-up found, the worst last, where a terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence

from tagpipe.checks.check_results import Finding, Level
from tagpipe.render.text import visible

_ORDER: tuple[Level, ...] = ("ok", "warning", "error")


def render_findings(findings: Sequence[Finding]) -> str:
    """A line for each, below it how to mend it; a count at the end."""
    lines = []
    for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.level)):
        lines.append(visible(f"{finding.level:<7}  {finding.check}: {finding.what}"))
        if finding.fix:
            lines.append(visible(f"         {finding.fix}"))
    n_ok, n_warnings, n_errors = (sum(finding.level == level for finding in findings) for level in _ORDER)
    return "\n".join([*lines, f"{n_ok} ok, {_count(n_warnings, 'warning')}, {_count(n_errors, 'error')}"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""The gates: bounds, from params.yaml `gates`, on what may differ between two versions before a change is merged."""

from __future__ import annotations

from dataclasses import dataclass

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.params import GateParams


@dataclass(frozen=True)
class GateResult:
    """One gate, checked."""

    name: str
    limit: float | None
    """The most that passes; None if the gate is off."""
    found: float | None
    """None if it was not looked for."""
    is_fraction: bool
    """True if limit and found are fractions, 0-1; else they are counts."""

    @property
    def passed(self) -> bool:
        """True if what was found is within the limit, or the gate is off. A limit on what was not looked for fails."""
        return self.limit is None or (self.found is not None and self.found <= self.limit)


def check_gates(diff: VersionDiff, attribution: Attribution | None, gates: GateParams) -> tuple[GateResult, ...]:
    """Every gate, in the order of params.yaml. gates: head's."""
    warnings = [change for change in diff.measures if change.name.startswith("vocabulary.n_warnings.")]
    n_new_warnings = sum(max(0, (change.head or 0) - (change.base or 0)) for change in warnings)
    found: dict[str, float | None] = {
        "max_projects_removed": _fraction(len(diff.removed), diff.base.projects.num_rows),
        "max_labels_changed": _fraction(len(diff.labels), diff.n_base_labels),
        "max_tags_leaving": len(diff.left),
        "max_newly_unlabeled": len(diff.newly_unlabeled),
        "max_new_warnings": n_new_warnings,
        "max_unexplained": attribution.n_unexplained if attribution else None,
    }
    fractions = ("max_projects_removed", "max_labels_changed")
    return tuple(GateResult(name, getattr(gates, name), value, name in fractions) for name, value in found.items())


def _fraction(part: int, whole: int) -> float:
    """part / whole; where the whole is 0, 1 for any part and 0 for none."""
    return part / whole if whole else float(bool(part))

"""Is a change safe to merge: bounds on what may differ between two dataset versions, from params.yaml `gates`."""

from __future__ import annotations

from dataclasses import dataclass

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.params import GateParams


@dataclass(frozen=True)
class GateResult:
    """One gate. limit: the most that may be (None: switched off). found: what is (None: not looked for).

    Fractions are 0-1 (`is_fraction`).
    """

    name: str
    limit: float | None
    found: float | None
    is_fraction: bool

    @property
    def passed(self) -> bool:
        """Whether the change keeps to it, or it is off. What was not looked for is not known to keep to anything."""
        return self.limit is None or (self.found is not None and self.found <= self.limit)


def check_gates(diff: VersionDiff, attribution: Attribution | None, gates: GateParams) -> tuple[GateResult, ...]:
    """Every gate, in the order of params.yaml. gates: head's. attribution: None where causes were not asked for."""
    warnings = {change.name: change for change in diff.measures if change.name.startswith("vocabulary.n_warnings.")}
    n_new_warnings = sum(max(0, (change.head or 0) - (change.base or 0)) for change in warnings.values())
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
    """part / whole; of nothing, anything is all."""
    return part / whole if whole else float(bool(part))

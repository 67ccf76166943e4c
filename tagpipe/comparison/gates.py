"""The gates: bounds, from params.yaml `gates`, on what may differ between two versions before a change is merged."""

from __future__ import annotations

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.document import GateRow
from tagpipe.params import GateParams


def check_gates(diff: VersionDiff, attribution: Attribution | None, gates: GateParams) -> tuple[GateRow, ...]:
    """Every gate, in the order of params.yaml. gates: head's."""
    n_warnings, n_old_warnings = (side.validation.vocabulary.n_warnings for side in (diff.head, diff.base))
    n_new_warnings = sum(max(0, count - n_old_warnings.get(kind, 0)) for kind, count in n_warnings.items())
    found: dict[str, float | None] = {
        "max_projects_removed": _fraction(len(diff.removed), diff.base.projects.num_rows),
        "max_labels_changed": _fraction(len(diff.labels), diff.n_base_labels),
        "max_tags_leaving": len(diff.left),
        "max_newly_unlabeled": len(diff.newly_unlabeled),
        "max_new_warnings": n_new_warnings,
        "max_unexplained": attribution.n_unexplained if attribution else None,
    }
    fractions = ("max_projects_removed", "max_labels_changed")
    return tuple(
        check_gate(name, limit=getattr(gates, name), found=value, is_fraction=name in fractions)
        for name, value in found.items()
    )


def check_gate(name: str, *, limit: float | None, found: float | None, is_fraction: bool = False) -> GateRow:
    """A gate passes if it is off, or what was found is within its limit. A limit on what was not looked for fails."""
    passed = limit is None or (found is not None and found <= limit)
    return GateRow(name=name, limit=limit, found=found, is_fraction=is_fraction, passed=passed)


def _fraction(part: int, whole: int) -> float:
    """part / whole; where the whole is 0, 1 for any part and 0 for none."""
    return part / whole if whole else float(bool(part))

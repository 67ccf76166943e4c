"""A whole comparison: what differs, what caused it, and whether it passes the gates."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.document import DiffDocument, GateRow
from tagpipe.comparison.make_document import make_document


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two dataset versions, compared."""

    diff: VersionDiff
    attribution: Attribution | None
    """None if causes were not asked for."""
    gates: tuple[GateRow, ...]

    @property
    def passed(self) -> bool:
        """True if every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def document(self) -> DiffDocument:
        """The comparison in the form that the renderers draw."""
        return make_document(self.diff, self.attribution, self.gates)


def changes_table(comparison: Comparison) -> pa.Table:
    """Every label change: project_id, tag, change (added or removed), cause, factors.

    The last two are null if causes were not asked for.
    """
    diff, attribution = comparison.diff, comparison.attribution
    projects, tags = diff.union.unpack(diff.labels.labels)
    groups = attribution.groups if attribution else ()
    of_group = pa.array(attribution.group_of) if attribution else pa.nulls(len(diff.labels), pa.int32())
    causes = pa.array([group.cause for group in groups], pa.string())
    factors = pa.array([list(group.factors) for group in groups], pa.list_(pa.string()))
    return pa.table(
        {
            "project_id": diff.union.ids.take(pa.array(projects)),
            "tag": diff.union.tags.take(pa.array(tags)),
            "change": pa.array(["removed", "added"]).take(pa.array(diff.labels.is_added).cast(pa.int32())),
            "cause": causes.take(of_group),
            "factors": factors.take(of_group),
        }
    )

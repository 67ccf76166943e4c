"""The effect of a vocabulary edit on the dataset, in the few numbers and lists that a person looks at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.document import GateRow, TagRow


@dataclass(frozen=True)
class EditEffect:
    """The difference between the dataset with the edit and the dataset without it."""

    n_labels_added: int
    n_labels_removed: int
    n_gaining: int
    """Projects that gain a tag; one that also loses a tag counts in both."""
    n_losing: int
    """Projects that lose a tag."""
    n_newly_labeled: int
    """Projects that get their first tag."""
    n_newly_unlabeled: int
    """Projects that lose their last tag."""
    entered: tuple[TagRow, ...]
    """Tags that enter the cut."""
    left: tuple[TagRow, ...]
    """Tags that leave the cut."""
    tags: tuple[TagRow, ...]
    """Every tag that differs, the most changed first."""
    failed_gates: tuple[str, ...]
    """Names of the gates that the edit alone would fail."""

    @property
    def is_none(self) -> bool:
        """True if no label and no support changes."""
        return not self.tags

    @property
    def numbers(self) -> dict[str, int]:
        """The counts, as the edit log keeps them."""
        lists = {"n_tags_entered": len(self.entered), "n_tags_left": len(self.left)}
        return {**{name: value for name, value in asdict(self).items() if name.startswith("n_")}, **lists}


def measure_effect(diff: VersionDiff, gates: Iterable[GateRow]) -> EditEffect:
    """The effect, from the comparison of the two datasets. Gates that were not measured count as held."""
    projects, _ = diff.union.unpack(diff.labels.labels)
    added = diff.labels.is_added
    return EditEffect(
        n_labels_added=int(added.sum()),
        n_labels_removed=int((~added).sum()),
        n_gaining=len(np.unique(projects[added])),
        n_losing=len(np.unique(projects[~added])),
        n_newly_labeled=len(diff.newly_labeled),
        n_newly_unlabeled=len(diff.newly_unlabeled),
        entered=diff.entered,
        left=diff.left,
        tags=tuple(sorted(diff.tags, key=lambda tag: (-abs(tag.n_added + tag.n_removed), tag.tag))),
        failed_gates=tuple(gate.name for gate in gates if not gate.passed and gate.found is not None),
    )

"""What an edit of the vocabulary does to the dataset, in a few numbers and lists: what a person looks at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.gates import GateResult
from tagpipe.comparison.tag_changes import TagChange


@dataclass(frozen=True)
class EditEffect:
    """The dataset with the edit beside the dataset without it. tags: all that differ, the most changed first.

    n_gaining, n_losing: projects that gain or lose a tag (a project can do both). failed_gates: names of the gates that
    the edit alone would not hold.
    """

    n_labels_added: int
    n_labels_removed: int
    n_gaining: int
    n_losing: int
    n_newly_labeled: int
    n_newly_unlabeled: int
    entered: tuple[TagChange, ...]
    left: tuple[TagChange, ...]
    tags: tuple[TagChange, ...]
    failed_gates: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """True if no label and no support changes."""
        return not self.tags

    @property
    def numbers(self) -> dict[str, int]:
        """The counts, as the edit log keeps them."""
        lists = {"n_tags_entered": len(self.entered), "n_tags_left": len(self.left)}
        return {**{name: value for name, value in asdict(self).items() if name.startswith("n_")}, **lists}


def measure_effect(diff: VersionDiff, gates: Iterable[GateResult]) -> EditEffect:
    """The effect, from the comparison of the two datasets. Gates that were not looked for count as held."""
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
        tags=tuple(sorted(diff.tags, key=lambda each: (-abs(each.n_added + each.n_removed), each.tag))),
        failed_gates=tuple(gate.name for gate in gates if not gate.passed and gate.found is not None),
    )

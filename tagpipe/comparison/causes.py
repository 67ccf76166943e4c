"""What caused each label change: the pipeline replayed with one differing input at a time.

The factors are everything a version is built from: projects, vocabulary, each parameter by name, and code. Each factor
is tried twice: put alone onto base's inputs, and alone taken back from head's. It *suffices* for a change if base with
it has head's state, and is *needed* if head without it has base's state. This is but-for causation with its known hard
cases (Pearl, Causality, 2009, ch. 10): several causes that each suffice, and causes that only work together.

    sole            one factor suffices, and it alone is needed
    joint           none suffices, at least one is needed: they work together
    overdetermined  at least one suffices, none is needed: there is more than one way to the change
    masked          anything else: factors undo each other (takes three or more factors)
    unexplained     head's inputs, built again, do not give head's state: other code, or a defect
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from tagpipe.comparison.document import Cause, CauseRow, FactorRow
from tagpipe.comparison.sides import LabelChanges
from tagpipe.errors import TagpipeError
from tagpipe.tables.tag_lists import Bools, Int32s, Int64s

CODE = "code"
"""The factor that is found differently: only the installed code can run, so it is head's code on base's inputs."""

Replay = Callable[[frozenset[str]], Int64s]
"""From the factors to take from head (the others are base's) to all labels, as `sides.Union.labels_of` gives them."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """The causes of all label changes of a diff."""

    factors: tuple[FactorRow, ...]
    """In the order of `attribute_changes`, then code if it is a cause."""
    groups: tuple[CauseRow, ...]
    """The largest first."""
    group_of: Int32s
    """For each label change, the index of its group."""
    n_replays: int
    """Builds that it took."""
    problem: str | None = None
    """Why head's inputs (or base's, with head's code) could not be built again; None if they could."""

    @property
    def n_unexplained(self) -> int:
        return sum(group.n_changes for group in self.groups if group.cause == "unexplained")


def attribute_changes(
    labels: LabelChanges, factors: Sequence[str], replay: Replay, *, may_be_code: bool
) -> Attribution:
    """The cause of every label change. Replays only if `needs_replays`: two builds a factor, one for all, one for code.

    factors: the inputs that differ, without code. may_be_code: True if the versions may have been built by different
    code.
    """
    replays = _Replays(labels, replay)
    all_factors = frozenset(factors)
    if not len(labels):
        idle = tuple(_factor_row(name, all_factors, 0, 0, replays) for name in factors)
        return Attribution(idle, (), np.zeros(0, dtype=np.int32), 0)
    by_code = replays.gives_head(frozenset()) if may_be_code else np.zeros(len(labels), dtype=bool)
    if not needs_replays(labels, factors, may_be_code=may_be_code):
        is_explained = np.full(len(labels), len(factors) == 1)
        suffices = needed = is_explained[np.newaxis, :].repeat(len(factors), axis=0)
    else:
        is_explained = replays.gives_head(all_factors)
        suffices = replays.stack([frozenset({name}) for name in factors])
        needed = ~replays.stack([all_factors - {name} for name in factors])
    names = list(factors)
    if by_code.any():
        # A change that head's code makes on base's own inputs is due to code alone.
        names.append(CODE)
        suffices, needed = (np.vstack([rows & ~by_code, by_code]) for rows in (suffices, needed))
    causes = _classify(suffices, needed, is_explained | by_code)
    involved = (suffices | needed) & (causes != _CAUSES.index("unexplained"))
    groups, group_of = _group(labels, causes, involved, names)
    factor_rows = tuple(
        _factor_row(name, all_factors, n_suffices, n_needed, replays)
        for name, n_suffices, n_needed in zip(names, suffices.sum(axis=1), needed.sum(axis=1), strict=True)
    )
    problem = replays.problem_of(all_factors) or replays.problem_of(frozenset())
    return Attribution(factor_rows, groups, group_of, replays.n_built, problem)


def _factor_row(name: str, all_factors: frozenset[str], n_suffices: int, n_needed: int, replays: _Replays) -> FactorRow:
    alone, without = (
        # With one factor, alone on base is head, and head without it is base: no problem of that factor.
        replays.problem_of(from_head) if len(all_factors) > 1 else None
        for from_head in (frozenset({name}), all_factors - {name})
    )
    return FactorRow(
        name=name,
        n_suffices=int(n_suffices),
        n_needed=int(n_needed),
        problem_alone=alone,
        problem_without=without,
    )


def needs_replays(labels: LabelChanges, factors: Sequence[str], *, may_be_code: bool) -> bool:
    """True if labels changed and there may be more than one cause: several factors, or the code."""
    return bool(len(labels)) and (len(factors) > 1 or may_be_code)


class _Replays:
    """Which label changes each replay makes; none is built twice."""

    def __init__(self, labels: LabelChanges, replay: Replay) -> None:
        self._labels = labels
        self._replay = replay
        self._has_change: dict[frozenset[str], Bools] = {}
        self._problems: dict[frozenset[str], str] = {}

    @property
    def n_built(self) -> int:
        return len(self._has_change)

    def gives_head(self, from_head: frozenset[str]) -> Bools:
        """For each label change, True if the replay has head's state; all False if it could not be built."""
        if from_head not in self._has_change:
            try:
                labels = self._replay(from_head)
                self._has_change[from_head] = _contains(labels, self._labels.labels) == self._labels.is_added
            except TagpipeError as error:
                self._has_change[from_head] = np.zeros(len(self._labels), dtype=bool)
                self._problems[from_head] = error.headline
        return self._has_change[from_head]

    def stack(self, combinations: Collection[frozenset[str]]) -> npt.NDArray[np.bool_]:
        """`gives_head` of each combination as a row: combinations x label changes."""
        rows = [self.gives_head(from_head) for from_head in combinations]
        return np.array(rows, dtype=bool).reshape(len(rows), len(self._labels))

    def problem_of(self, from_head: frozenset[str]) -> str | None:
        """Why a combination could not be built; None if it could, or was not tried."""
        return self._problems.get(from_head)


def _contains(labels: Int64s, wanted: Int64s) -> Bools:
    """For each of `wanted`, True if it is among `labels` (ascending)."""
    if not len(labels):
        return np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(labels, wanted), len(labels) - 1)
    return np.asarray(labels[places] == wanted)


_CAUSES: tuple[Cause, ...] = get_args(Cause)


def _classify(suffices: npt.NDArray[np.bool_], needed: npt.NDArray[np.bool_], is_explained: Bools) -> Int32s:
    """For each label change, the index of its cause in _CAUSES. suffices, needed: factors x changes."""
    n_suffices, n_needed = suffices.sum(axis=0), needed.sum(axis=0)
    is_sole = (n_suffices == 1) & (n_needed == 1) & (suffices & needed).any(axis=0)
    conditions = [~is_explained, is_sole, (n_suffices == 0) & (n_needed > 0), (n_suffices > 0) & (n_needed == 0)]
    causes: list[Cause] = ["unexplained", "sole", "joint", "overdetermined"]
    return np.select(conditions, [_CAUSES.index(cause) for cause in causes], _CAUSES.index("masked")).astype(np.int32)


def _group(
    labels: LabelChanges, causes: Int32s, involved: npt.NDArray[np.bool_], names: Sequence[str]
) -> tuple[tuple[CauseRow, ...], Int32s]:
    """The groups, the largest first, then by cause and factors; and for each label change, the index of its group.

    involved: factors x changes.
    """
    keys = np.vstack([causes[np.newaxis, :], involved.astype(np.int32)])
    distinct, inverse = np.unique(keys, axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)
    n_added = np.bincount(inverse[labels.is_added], minlength=distinct.shape[1])
    n_removed = np.bincount(inverse[~labels.is_added], minlength=distinct.shape[1])
    groups = [
        CauseRow(
            cause=_CAUSES[key[0]],
            factors=tuple(name for name, is_in in zip(names, key[1:], strict=True) if is_in),
            n_added=int(n_added[index]),
            n_removed=int(n_removed[index]),
        )
        for index, key in enumerate(distinct.T)
    ]

    def rank(index: int) -> tuple[int, int, tuple[str, ...]]:
        group = groups[index]
        return -group.n_changes, _CAUSES.index(group.cause), group.factors

    order = sorted(range(len(groups)), key=rank)
    place = np.empty(len(groups), dtype=np.int32)
    place[order] = np.arange(len(groups))
    return tuple(groups[index] for index in order), place[inverse].astype(np.int32)

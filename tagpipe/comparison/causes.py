"""What caused each label change: the pipeline replayed with one differing input at a time.

The factors are everything a version is built from: projects, vocabulary, each parameter by name, and code. Each is put
alone onto base's inputs, and each alone is taken back from head's. A factor *suffices* for a change if alone on base
it gives head's state, and is *needed* if without it head's inputs give base's state. What follows is but-for causation
with its known hard cases (Pearl, Causality, 2009, ch. 10): two causes of which each suffices, and causes that only
work together.

    sole            one factor suffices and is the one that is needed
    joint           none suffices, at least one is needed: they work together
    overdetermined  at least one suffices, none is needed: there is more than one way to it
    masked          anything else: in between, factors undo each other (with three or more factors)
    unexplained     head's inputs, built anew, do not give head's state: other code, or a defect
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tagpipe.comparison.sides import LabelChanges
from tagpipe.errors import TagpipeError
from tagpipe.tables.tag_lists import Bools, Int32s, Int64s

CODE = "code"
"""The factor that is not replayed alone: base's code is not at hand, head's runs on base's inputs."""

Replay = Callable[[frozenset[str]], Int64s]
"""The factors taken from head, the others from base -> all labels, ascending (`sides.Union.labels_of`)."""


class Cause(StrEnum):
    """How the factors made a label change."""

    SOLE = "sole"
    JOINT = "joint"
    OVERDETERMINED = "overdetermined"
    MASKED = "masked"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class CauseGroup:
    """Label changes of one cause and the same factors: those that suffice or are needed, in their order."""

    cause: Cause
    factors: tuple[str, ...]
    n_added: int
    n_removed: int

    @property
    def n_changes(self) -> int:
        return self.n_added + self.n_removed


@dataclass(frozen=True)
class FactorEffect:
    """A factor that differs: label changes of the diff that it makes alone on base, and that head loses without it.

    problem_alone, problem_without: why a replay of it could not be built; it then gives nothing of head's.
    """

    name: str
    n_suffices: int
    n_needed: int
    problem_alone: str | None = None
    problem_without: str | None = None


@dataclass(frozen=True, eq=False)
class Attribution:
    """group_of: of each label change, the index of its group. groups: the largest first. n_replays: builds it took.

    problem: why head's inputs (or base's, with head's code) could not be built anew.
    """

    factors: tuple[FactorEffect, ...]
    groups: tuple[CauseGroup, ...]
    group_of: Int32s
    n_replays: int
    problem: str | None = None

    @property
    def n_unexplained(self) -> int:
        """Label changes that nothing explains."""
        return sum(group.n_changes for group in self.groups if group.cause is Cause.UNEXPLAINED)


def attribute_changes(
    labels: LabelChanges, factors: Sequence[str], replay: Replay, *, may_be_code: bool
) -> Attribution:
    """The cause of every label change.

    factors: the inputs that differ (without code). may_be_code: the code of the versions is not known to be the same.
    Nothing is replayed where there is nothing to tell apart (`needs_replays`).
    """
    replays = _Replays(labels, replay)
    every = frozenset(factors)
    if not len(labels):
        return Attribution(tuple(FactorEffect(name, 0, 0) for name in factors), (), np.zeros(0, dtype=np.int32), 0)
    by_code = replays.gives_head(frozenset()) if may_be_code else np.zeros(len(labels), dtype=bool)
    if not needs_replays(labels, factors, may_be_code=may_be_code):
        is_explained = np.full(len(labels), len(factors) == 1)
        suffices = needed = is_explained[np.newaxis, :].repeat(len(factors), axis=0)
    else:
        is_explained = replays.gives_head(every)
        suffices = replays.stack([frozenset({name}) for name in factors])
        needed = ~replays.stack([every - {name} for name in factors])
    names = [*factors, CODE] if by_code.any() else list(factors)
    if by_code.any():
        suffices, needed = (np.vstack([each & ~by_code, by_code]) for each in (suffices, needed))
    causes = _classify(suffices, needed, is_explained | by_code)
    groups, group_of = _group(labels, causes, _involved(causes, suffices, needed), names)
    effects = tuple(
        FactorEffect(
            name,
            int(suffices[at].sum()),
            int(needed[at].sum()),
            replays.problem_of(frozenset({name})) if len(factors) > 1 else None,
            replays.problem_of(every - {name}) if len(factors) > 1 else None,
        )
        for at, name in enumerate(names)
    )
    problem = replays.problem_of(every) or replays.problem_of(frozenset())
    return Attribution(effects, groups, group_of, replays.n_built, problem)


def needs_replays(labels: LabelChanges, factors: Sequence[str], *, may_be_code: bool) -> bool:
    """Whether there is something to tell apart: several factors, or perhaps the code."""
    return bool(len(labels)) and (len(factors) > 1 or may_be_code)


class _Replays:
    """Replays, each built once; which label changes each gives."""

    def __init__(self, labels: LabelChanges, replay: Replay) -> None:
        self._labels = labels
        self._replay = replay
        self._found: dict[frozenset[str], Bools] = {}
        self._problems: dict[frozenset[str], str] = {}

    @property
    def n_built(self) -> int:
        return len(self._found)

    def gives_head(self, from_head: frozenset[str]) -> Bools:
        """Whether each label is then as head has it; none is where it cannot be built, for then there is no head."""
        if from_head not in self._found:
            try:
                built = self._replay(from_head)
                self._found[from_head] = _holds(built, self._labels.labels) == self._labels.is_added
            except TagpipeError as error:
                self._found[from_head] = np.zeros(len(self._labels), dtype=bool)
                self._problems[from_head] = error.headline
        return self._found[from_head]

    def stack(self, combinations: Collection[frozenset[str]]) -> npt.NDArray[np.bool_]:
        """One row a combination."""
        rows = [self.gives_head(from_head) for from_head in combinations]
        return np.array(rows, dtype=bool).reshape(len(rows), len(self._labels))

    def problem_of(self, from_head: frozenset[str]) -> str | None:
        """Why a combination could not be built."""
        return self._problems.get(from_head)


def _holds(labels: Int64s, wanted: Int64s) -> Bools:
    """Which of `wanted` are among `labels` (ascending)."""
    if not len(labels):
        return np.zeros(len(wanted), dtype=bool)
    found: Bools = labels[np.minimum(np.searchsorted(labels, wanted), len(labels) - 1)] == wanted
    return found


_CAUSES = tuple(Cause)


def _classify(suffices: npt.NDArray[np.bool_], needed: npt.NDArray[np.bool_], is_explained: Bools) -> Int32s:
    """Index into _CAUSES of each change. suffices, needed: factors x changes."""
    n_suffices, n_needed = suffices.sum(axis=0), needed.sum(axis=0)
    is_sole = (n_suffices == 1) & (n_needed == 1) & (suffices & needed).any(axis=0)
    conditions = [~is_explained, is_sole, (n_suffices == 0) & (n_needed > 0), (n_suffices > 0) & (n_needed == 0)]
    causes = [Cause.UNEXPLAINED, Cause.SOLE, Cause.JOINT, Cause.OVERDETERMINED]
    return np.select(conditions, [_CAUSES.index(cause) for cause in causes], _CAUSES.index(Cause.MASKED)).astype(
        np.int32
    )


def _involved(causes: Int32s, suffices: npt.NDArray[np.bool_], needed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (suffices | needed) & (causes != _CAUSES.index(Cause.UNEXPLAINED))
    return found


def _group(
    labels: LabelChanges, causes: Int32s, involved: npt.NDArray[np.bool_], names: Sequence[str]
) -> tuple[tuple[CauseGroup, ...], Int32s]:
    """Changes of the same cause and factors together, the largest group first, then by cause and factors."""
    keys = np.vstack([causes[np.newaxis, :], involved.astype(np.int32)])
    distinct, inverse = np.unique(keys, axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)
    n_added = np.bincount(inverse[labels.is_added], minlength=distinct.shape[1])
    n_removed = np.bincount(inverse[~labels.is_added], minlength=distinct.shape[1])
    groups = [
        CauseGroup(
            _CAUSES[key[0]],
            tuple(name for name, is_in in zip(names, key[1:], strict=True) if is_in),
            int(n_added[at]),
            int(n_removed[at]),
        )
        for at, key in enumerate(distinct.T)
    ]
    order = sorted(
        range(len(groups)), key=lambda at: (-groups[at].n_changes, _CAUSES.index(groups[at].cause), groups[at].factors)
    )
    place = np.empty(len(groups), dtype=np.int32)
    place[order] = np.arange(len(groups))
    return tuple(groups[at] for at in order), place[inverse].astype(np.int32)

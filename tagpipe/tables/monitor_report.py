"""What the new-tag monitor found: monitor.json as values, without the libraries that it was computed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SCHEMA = 1


class NotSuggested(StrEnum):
    """Why adding a candidate is not suggested; in the order of `reasons`.

    KNOWN_NAME: the vocabulary has it, but `annotate.normalize` or `annotate.aliases` do not let it count.
    """

    KNOWN_NAME = "known_name"
    EXCLUDED = "excluded"
    FEW_PROJECTS = "few_projects"
    NO_DATES = "no_dates"
    FEW_PERIODS = "few_periods"
    FEW_DAYS = "few_days"
    CONCENTRATED = "concentrated"


@dataclass(frozen=True)
class Counts:
    """Tag uses (a tag on a project counts once), in and outside the vocabulary.

    n_ignored: of n_out_of_vocabulary. The shares: outside the vocabulary, of all uses, and without the ignored ones;
    None without uses.
    """

    n_uses: int
    n_out_of_vocabulary: int
    n_ignored: int
    out_of_vocabulary_share: float | None
    out_of_vocabulary_share_after_ignore: float | None


@dataclass(frozen=True)
class Period:
    """One period. The last five are without the ignored forms.

    n_forms: distinct forms. n_new_forms: those that no earlier period has, and their share; None in the first.
    n_single_forms: used once. unseen_mass: n_single_forms / uses, the Good-Turing estimate of how likely the next use
    has a form that the period has not (Good 1953, Biometrika 40).
    """

    period: str
    n_projects: int
    uses: Counts
    n_forms: int
    n_new_forms: int | None
    new_form_share: float | None
    n_single_forms: int
    unseen_mass: float | None


@dataclass(frozen=True)
class Candidate:
    """A form outside the vocabulary, and what adding it as a tag would do.

    prevalence: n_projects / valid projects, with its Wilson interval at 95 %. concentration: share of the busiest day,
    busiest_on. trend, burst: p and, over all candidates, q. nearest: the most similar tag of the vocabulary, and how
    similar (0-100); None where none is near. would_keep: it would pass the cut. n_first_tag: projects that have no
    tag now and would get this one. Both are of a new tag without aliases, parents or children: where the vocabulary
    already names it as a parent, `annotate.parents` has a word, too. Whatever needs dates is None without them.
    """

    tag: str
    n_projects: int
    prevalence: float
    prevalence_low: float
    prevalence_high: float
    first_seen: str | None
    last_seen: str | None
    n_periods: int | None
    n_days: int | None
    concentration: float | None
    busiest_on: str | None
    trend_p: float | None
    trend_q: float | None
    burst_p: float | None
    burst_q: float | None
    nearest: str | None
    nearest_score: float | None
    would_keep: bool
    n_first_tag: int
    suggested: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Fading:
    """A tag of the vocabulary that authors give less and less. n_projects: whose authors gave it, by any name.

    fade: one-sided p of a falling trend and, over all tags of the vocabulary with enough uses, q.
    """

    tag: str
    n_projects: int
    first_seen: str
    last_seen: str
    n_periods: int
    fade_p: float
    fade_q: float
    is_kept: bool


@dataclass(frozen=True)
class Monitoring:
    """The whole of it. n_undated: projects without a date, which are in no period. min_projects: the cut.

    n_forms, n_ignored_forms: distinct forms outside the vocabulary, and those of them that are ignored. n_candidates:
    with enough uses; candidates: the first of them, by suggested, rising or bursting, projects, tag. never_used: tags
    of the vocabulary.
    """

    n_projects: int
    n_undated: int
    min_projects: int
    uses: Counts
    n_forms: int
    n_ignored_forms: int
    n_candidates: int
    n_left_out: int
    n_suggested: int
    periods: tuple[Period, ...]
    candidates: tuple[Candidate, ...]
    fading: tuple[Fading, ...]
    never_used: tuple[str, ...]

    @property
    def has_dates(self) -> bool:
        return bool(self.periods)


def dump_monitoring(found: Monitoring) -> dict[str, Any]:
    """monitor.json."""
    return {"schema": SCHEMA, **asdict(found)}


def load_monitoring(tree: Mapping[str, Any]) -> Monitoring:
    """What `dump_monitoring` made. The tree must be of its form (`core.shapes.find_misfit`)."""
    from pydantic import TypeAdapter

    return TypeAdapter(Monitoring).validate_python(tree)

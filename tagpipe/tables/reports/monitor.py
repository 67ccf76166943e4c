"""monitor.json: what the new-tag monitor found, without the libraries that it was computed with."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from tagpipe.tables.reports.model import Report, ReportPart, Several


class NotSuggested(StrEnum):
    """Why adding a candidate is not suggested; in the order of `Candidate.reasons`."""

    KNOWN_NAME = "known_name"
    """The vocabulary has it, but `annotate.normalize` or `annotate.aliases` do not let it count."""
    EXCLUDED = "excluded"
    FEW_PROJECTS = "few_projects"
    NO_DATES = "no_dates"
    FEW_PERIODS = "few_periods"
    FEW_DAYS = "few_days"
    CONCENTRATED = "concentrated"


class UseCounts(ReportPart):
    """Tag uses in and outside the vocabulary; a tag on a project counts once."""

    n_uses: int
    n_out_of_vocabulary: int
    n_ignored: int
    """Of n_out_of_vocabulary."""
    out_of_vocabulary_share: float | None
    """Of all uses, 0-1; None without uses."""
    out_of_vocabulary_share_after_ignore: float | None
    """Of all uses but the ignored ones, 0-1; None without any."""


class Period(ReportPart):
    """One calendar period, or several with few projects joined. All but `uses` leave out the ignored forms."""

    period: str
    """`2020-02`, or `2020-02..2020-03`."""
    n_projects: int
    uses: UseCounts
    n_forms: int
    """Distinct forms."""
    n_new_forms: int | None
    """Those that no earlier period has; None in the first period."""
    new_form_share: float | None
    """n_new_forms / n_forms, 0-1; None in the first period."""
    n_single_forms: int
    """Forms used once."""
    unseen_mass: float | None
    """n_single_forms / uses, 0-1: the Good-Turing estimate of how likely the next use has a form that the period has
    not (Good 1953, Biometrika 40)."""


class Candidate(ReportPart):
    """A form outside the vocabulary, and what adding it as a tag would do.

    Whatever needs dates is None without them. p and q are of one-sided tests; q over all candidates
    (Benjamini-Hochberg).
    """

    tag: str
    n_projects: int
    prevalence: float
    """n_projects / valid projects, 0-1."""
    prevalence_low: float
    prevalence_high: float
    """The ends of its Wilson interval at 95 %."""
    first_seen: str | None
    last_seen: str | None
    """Days, ISO 8601."""
    n_periods: int | None
    n_days: int | None
    """Periods and days with a use."""
    concentration: float | None
    """The share of its dated uses that are of the busiest day, 0-1."""
    busiest_on: str | None
    """The busiest day, ISO 8601."""
    trend_p: float | None
    trend_q: float | None
    """Of a rising share of the projects."""
    burst_p: float | None
    burst_q: float | None
    """Of more uses than expected in the last periods."""
    nearest: str | None
    """The most similar tag of the vocabulary; None where none is near."""
    nearest_score: float | None
    """How similar it is, 0-100."""
    would_keep: bool
    """True if it would make the cut."""
    n_first_tag: int
    """Projects without a tag now that would get this one.

    As would_keep, of a new tag without aliases, parents or children: where the vocabulary names it as a parent,
    `annotate.parents` has a say, too.
    """
    suggested: bool
    reasons: Several[str]
    """Why it is not suggested: `NotSuggested`, in that order."""


class FadingTag(ReportPart):
    """A tag of the vocabulary that authors use less and less."""

    tag: str
    n_projects: int
    """Whose authors gave it, by any of its names."""
    first_seen: str
    last_seen: str
    """Days, ISO 8601."""
    n_periods: int
    """Periods with a use."""
    fade_p: float
    """One-sided, of a falling share of the projects."""
    fade_q: float
    """Over all tags of the vocabulary with enough uses (Benjamini-Hochberg)."""
    is_kept: bool
    """True if it makes the cut."""


class MonitorReport(Report):
    """monitor.json."""

    OUTPUT: ClassVar = ("monitor", "monitor.json")

    schema_: int = Field(default=1, alias="schema")
    n_projects: int
    """Valid projects."""
    n_undated: int
    """Of those, the ones without a date, which are in no period."""
    min_projects: int
    """The cut."""
    uses: UseCounts
    n_forms: int
    """Distinct forms outside the vocabulary."""
    n_ignored_forms: int
    """Of n_forms."""
    n_candidates: int
    """Forms with enough uses."""
    n_left_out: int
    """Of those, the ones that `candidates` does not list."""
    n_suggested: int
    """Of n_candidates."""
    periods: Several[Period]
    """Ascending; none where no project has a date."""
    candidates: Several[Candidate]
    """The first `monitor.max_candidates`: by suggested, rising or bursting, projects, tag."""
    fading: Several[FadingTag]
    """By fade_q, then tag."""
    never_used: Several[str]
    """Tags of the vocabulary that no project has, ascending."""

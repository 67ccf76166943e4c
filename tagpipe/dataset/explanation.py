"""Why a project has a tag, or lacks it: use by use, from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tagpipe.tables.reports.manifest import BuiltParams
from tagpipe.tables.schemas import Outcome
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

_CARRIED = (Outcome.KEPT, Outcome.ALIAS, Outcome.IMPLIED)
_USE_COLUMNS = ["position", "raw_tag", "normalized_tag", "tag", "outcome"]


@dataclass(frozen=True)
class UseExplanation:
    """One tag use of the project."""

    position: int | None
    """Its place among the project's raw tags, from 0; None if it is implied."""
    raw_tag: str | None
    normalized_tag: str | None
    tag: str | None
    """The canonical tag; None if the vocabulary has none."""
    outcome: str
    n_projects: int | None
    """The tag's support; None if the use did not reach the cut."""
    is_labeled: bool
    """True if the labeled project carries the tag."""
    why: str
    """What became of the use step by step, in words."""


@dataclass(frozen=True)
class Explanation:
    """What became of a project's tags."""

    project_id: int | str
    tag: str | None
    """The tag that was asked about; None if all were."""
    verdict: str
    """About `tag`, or about the whole project."""
    tags: tuple[str, ...]
    """The labelset, ascending."""
    uses: tuple[UseExplanation, ...]
    """In the ledger's order; only those about `tag` if one was asked about."""


def explain_project(
    project_id: int | str,
    uses: pa.Table,
    tags: pa.Table,
    vocabulary: Vocabulary,
    params: BuiltParams,
    *,
    tag: str | None = None,
) -> Explanation:
    """Explain one project.

    uses: its rows of the ledger (`schemas.tag_uses`). tags: `schemas.TAGS`. params: those that the version was built
    with.
    """
    support = dict(zip(tags.column("tag").to_pylist(), tags.column("n_projects").to_pylist(), strict=True))
    explained = tuple(
        _explain_use(use, support, params.threshold.min_projects) for use in uses.select(_USE_COLUMNS).to_pylist()
    )
    labelset = tuple(sorted({use.tag for use in explained if use.is_labeled and use.tag is not None}))
    if tag is None:
        n_tags = f"{len(labelset)} tag{'s' if len(labelset) > 1 else ''}"
        verdict = f"labeled with {n_tags}: {', '.join(labelset)}" if labelset else "unlabeled"
        return Explanation(project_id, None, verdict, labelset, explained)
    names = _NameReader(vocabulary, normalize=params.annotate.normalize, aliases=params.annotate.aliases)
    about_tag = tuple(use for use in explained if _is_about(use, tag, names))
    return Explanation(project_id, tag, _word_verdict(tag, names, about_tag, labelset, support), labelset, about_tag)


def _explain_use(use: Mapping[str, Any], support: Mapping[str, int], min_projects: int) -> UseExplanation:
    raw, form, tag, outcome = (use[name] for name in ("raw_tag", "normalized_tag", "tag", "outcome"))
    n_projects = support.get(tag, 0) if outcome in _CARRIED else None
    is_labeled = n_projects is not None and n_projects >= min_projects
    steps = [] if raw is None else [repr(raw)]
    if form is not None and form != raw:
        steps.append(f"normalised to {form!r}")
    steps.append(_describe_outcome(outcome, tag))
    if is_labeled:
        steps.append(f"kept: {n_projects} projects, at least {min_projects}")
    elif n_projects is not None:
        steps.append(f"cut at {n_projects} < {min_projects}")
    return UseExplanation(**use, n_projects=n_projects, is_labeled=is_labeled, why=" -> ".join(steps))


def _describe_outcome(outcome: str, tag: str | None) -> str:
    return {
        Outcome.KEPT: f"the tag {tag}",
        Outcome.ALIAS: f"alias of {tag}",
        Outcome.DUPLICATE: f"a repeat of {tag}" if tag else "a repeat",
        Outcome.EXCLUDED: f"{tag} is excluded (annotate.exclude)",
        Outcome.OUT_OF_VOCABULARY: "not in the vocabulary",
        Outcome.PARENT_DROPPED: f"{tag} is dropped as a parent (annotate.parents)",
        Outcome.IMPLIED: f"{tag} is implied by a child (annotate.parents)",
    }[Outcome(outcome)]


@dataclass(frozen=True)
class _NameReader:
    """Names as the version's build read them."""

    vocabulary: Vocabulary
    normalize: bool
    aliases: bool

    def form_of(self, name: str) -> str:
        """The form in which the build compared the name."""
        return normalize_tag(name) if self.normalize else name

    def resolve(self, name: str) -> str | None:
        """The tag that the build took the name for."""
        return self._resolve(name, aliases=self.aliases)

    def resolve_alias(self, name: str) -> str | None:
        """The tag that it would be if aliases were followed."""
        return self._resolve(name, aliases=True)

    def _resolve(self, name: str, *, aliases: bool) -> str | None:
        index = resolve_names(self.vocabulary, normalize=self.normalize, aliases=aliases).get(self.form_of(name))
        return None if index is None else self.vocabulary.tags[index]

    @property
    def strictness(self) -> str:
        """The treatment of names that the build had switched off, in words."""
        normalized = "" if self.normalize else "; names are compared as written (annotate.normalize: false)"
        followed = "" if self.aliases else "; aliases are not followed (annotate.aliases: false)"
        return normalized + followed


def _is_about(use: UseExplanation, tag: str, names: _NameReader) -> bool:
    canonical = names.resolve(tag)
    if canonical is not None and use.tag is not None:
        return use.tag == canonical
    return tag in (use.raw_tag, use.tag) or names.form_of(tag) == use.normalized_tag


def _word_verdict(
    tag: str,
    names: _NameReader,
    uses: tuple[UseExplanation, ...],
    labelset: tuple[str, ...],
    support: Mapping[str, int],
) -> str:
    canonical = names.resolve(tag)
    if canonical in labelset:
        return f"has {canonical}"
    if uses:
        return f"lacks {canonical or tag}: {uses[0].why}"
    if canonical is None:
        of = names.resolve_alias(tag)
        has = "the vocabulary does not have it" if of is None else f"the vocabulary has it as an alias of {of} only"
        return f"lacks {tag}: its author did not give it, and {has}{names.strictness}"
    an_alias = ", an alias of it" if names.aliases else ""
    n_projects = support.get(canonical, 0)
    return (
        f"lacks {canonical}: none of its tags is it{an_alias} or implies it ({n_projects} projects have it)"
        f"{names.strictness}"
    )

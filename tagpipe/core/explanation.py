"""Why a project has a tag, or lacks it: use by use, from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tagpipe.core.schemas import Outcome
from tagpipe.core.vocabulary import Vocabulary, normalize_tag, resolve_names

_CARRIED = (Outcome.KEPT, Outcome.ALIAS, Outcome.IMPLIED)


@dataclass(frozen=True)
class UseExplanation:
    """One tag use of the project. n_projects: the tag's support where it reached the cut, else None.

    is_labeled: whether the labeled project carries the tag. why: the way of the use, in words.
    """

    position: int | None
    raw_tag: str | None
    normalized_tag: str | None
    tag: str | None
    outcome: str
    n_projects: int | None
    is_labeled: bool
    why: str


@dataclass(frozen=True)
class Explanation:
    """uses: of the project, in the ledger's order (only those of `tag` if one was asked for).

    tags: the labelset. verdict: about `tag`, or about the whole project.
    """

    project_id: int | str
    tag: str | None
    verdict: str
    tags: tuple[str, ...]
    uses: tuple[UseExplanation, ...]


def explain_project(
    project_id: int | str,
    uses: pa.Table,
    tags: pa.Table,
    vocabulary: Vocabulary,
    *,
    min_projects: int,
    tag: str | None = None,
) -> Explanation:
    """Explain one project. uses: its rows of the ledger (`schemas.tag_uses`). tags: `schemas.TAGS`."""
    support = dict(zip(tags.column("tag").to_pylist(), tags.column("n_projects").to_pylist(), strict=True))
    every = tuple(_explain_use(use, support, min_projects) for use in uses.to_pylist())
    labelset = tuple(sorted({use.tag for use in every if use.is_labeled and use.tag is not None}))
    if tag is None:
        n_tags = f"{len(labelset)} tag{'s' if len(labelset) > 1 else ''}"
        verdict = f"labeled with {n_tags}: {', '.join(labelset)}" if labelset else "unlabeled"
        return Explanation(project_id, None, verdict, labelset, every)
    canonical = _resolve(tag, vocabulary)
    chosen = tuple(use for use in every if _is_about(use, tag, canonical))
    return Explanation(project_id, tag, _judge(tag, canonical, chosen, labelset, support), labelset, chosen)


def _explain_use(use: dict[str, object], support: dict[str, int], min_projects: int) -> UseExplanation:
    raw, form, tag, outcome = (use[name] for name in ("raw_tag", "normalized_tag", "tag", "outcome"))
    assert isinstance(outcome, str)
    n_projects = support.get(str(tag), 0) if outcome in _CARRIED else None
    is_labeled = n_projects is not None and n_projects >= min_projects
    steps = [] if raw is None else [f"{raw!r}"]
    if form is not None and form != raw:
        steps.append(f"normalised to {form!r}")
    steps.append(_end_of(str(outcome), None if tag is None else str(tag)))
    if n_projects is not None:
        steps.append(
            f"kept: {n_projects} projects, at least {min_projects}"
            if is_labeled
            else f"cut at {n_projects} < {min_projects}"
        )
    position = use["position"]
    return UseExplanation(
        position if isinstance(position, int) else None,
        None if raw is None else str(raw),
        None if form is None else str(form),
        None if tag is None else str(tag),
        outcome,
        n_projects,
        is_labeled,
        " -> ".join(step for step in steps if step),
    )


def _end_of(outcome: str, tag: str | None) -> str:
    return {
        Outcome.KEPT: f"the tag {tag}",
        Outcome.ALIAS: f"alias of {tag}",
        Outcome.DUPLICATE: f"a repeat of {tag}" if tag else "a repeat",
        Outcome.EXCLUDED: f"{tag} is excluded (annotate.exclude)",
        Outcome.OUT_OF_VOCABULARY: "not in the vocabulary",
        Outcome.PARENT_DROPPED: f"{tag} is dropped as a parent (annotate.parents)",
        Outcome.IMPLIED: f"{tag} is implied by a child (annotate.parents)",
    }[Outcome(outcome)]


def _resolve(tag: str, vocabulary: Vocabulary) -> str | None:
    index = resolve_names(vocabulary).get(normalize_tag(tag))
    return None if index is None else vocabulary.tags[index]


def _is_about(use: UseExplanation, tag: str, canonical: str | None) -> bool:
    if canonical is not None and use.tag is not None:
        return use.tag == canonical
    return tag in (use.raw_tag, use.tag) or normalize_tag(tag) == use.normalized_tag


def _judge(
    tag: str,
    canonical: str | None,
    uses: tuple[UseExplanation, ...],
    labelset: tuple[str, ...],
    support: dict[str, int],
) -> str:
    if canonical in labelset:
        return f"has {canonical}"
    if uses:
        return f"lacks {canonical or tag}: {uses[0].why}"
    if canonical is None:
        return f"lacks {tag}: its author did not give it, and the vocabulary does not have it"
    n_projects = support.get(canonical, 0)
    return f"lacks {canonical}: none of its tags is it, an alias of it or implies it ({n_projects} projects have it)"

"""Why a project has a tag, or lacks it: use by use, from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tagpipe.tables.schemas import Outcome
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

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
    normalize: bool,
    aliases: bool,
    tag: str | None = None,
) -> Explanation:
    """Explain one project. uses: its rows of the ledger (`schemas.tag_uses`). tags: `schemas.TAGS`.

    min_projects, normalize, aliases: the parameters that the version was built with.
    """
    support = dict(zip(tags.column("tag").to_pylist(), tags.column("n_projects").to_pylist(), strict=True))
    every = tuple(_explain_use(use, support, min_projects) for use in uses.to_pylist())
    labelset = tuple(sorted({use.tag for use in every if use.is_labeled and use.tag is not None}))
    if tag is None:
        n_tags = f"{len(labelset)} tag{'s' if len(labelset) > 1 else ''}"
        verdict = f"labeled with {n_tags}: {', '.join(labelset)}" if labelset else "unlabeled"
        return Explanation(project_id, None, verdict, labelset, every)
    names = _Names(vocabulary, normalize=normalize, aliases=aliases)
    chosen = tuple(use for use in every if _is_about(use, tag, names))
    return Explanation(project_id, tag, _judge(tag, names, chosen, labelset, support), labelset, chosen)


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


@dataclass(frozen=True)
class _Names:
    """How the version's build read names."""

    vocabulary: Vocabulary
    normalize: bool
    aliases: bool

    def compared(self, name: str) -> str:
        return normalize_tag(name) if self.normalize else name

    def resolve(self, name: str, *, aliases: bool | None = None) -> str | None:
        """The tag that `name` is; aliases: follow them (None: as the build did)."""
        follow = self.aliases if aliases is None else aliases
        index = resolve_names(self.vocabulary, normalize=self.normalize, aliases=follow).get(self.compared(name))
        return None if index is None else self.vocabulary.tags[index]

    @property
    def strictness(self) -> str:
        """What the build did not do with names, in words."""
        strict = [] if self.normalize else ["names are compared as written (annotate.normalize: false)"]
        strict += [] if self.aliases else ["aliases are not followed (annotate.aliases: false)"]
        return "".join(f"; {each}" for each in strict)


def _is_about(use: UseExplanation, tag: str, names: _Names) -> bool:
    canonical = names.resolve(tag)
    if canonical is not None and use.tag is not None:
        return use.tag == canonical
    return tag in (use.raw_tag, use.tag) or names.compared(tag) == use.normalized_tag


def _judge(
    tag: str,
    names: _Names,
    uses: tuple[UseExplanation, ...],
    labelset: tuple[str, ...],
    support: dict[str, int],
) -> str:
    canonical = names.resolve(tag)
    if canonical in labelset:
        return f"has {canonical}"
    if uses:
        return f"lacks {canonical or tag}: {uses[0].why}"
    if canonical is None:
        of = names.resolve(tag, aliases=True)
        has = "the vocabulary does not have it" if of is None else f"the vocabulary has it as an alias of {of} only"
        return f"lacks {tag}: its author did not give it, and {has}{names.strictness}"
    an_alias = ", an alias of it" if names.aliases else ""
    n_projects = support.get(canonical, 0)
    return (
        f"lacks {canonical}: none of its tags is it{an_alias} or implies it ({n_projects} projects have it)"
        f"{names.strictness}"
    )

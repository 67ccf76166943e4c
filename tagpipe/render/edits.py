"""A planned edit of the vocabulary on a terminal: its effect on the dataset, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tagpipe.comparison.document import TagRow
from tagpipe.curation.effect import EditEffect
from tagpipe.curation.suggestions import Kind, Suggestion
from tagpipe.render.text import EMPTY, MAX_COMMAND, count_nouns, shorten, visible

_MAX_TAGS = 8


def render_effect(what: str, effect: EditEffect | None, *, no_preview: str | None) -> RenderableType:
    """The edit and, below it, its effect.

    what: the edit as a command. effect: None if the edit does not touch the dataset, or if `no_preview` says why the
    effect is not known.
    """
    return Group(Text(shorten(what, MAX_COMMAND), "bold"), *map(Text, describe_effect(effect, no_preview=no_preview)))


def describe_effect(effect: EditEffect | None, *, no_preview: str | None) -> list[str]:
    """The effect in a few lines. effect, no_preview: as in `render_effect`."""
    if no_preview is not None:
        return [f"What it does to the dataset is not known: {visible(no_preview)}"]
    if effect is None:
        return ["It does nothing to the dataset: only suggestions and the monitor go by it."]
    if effect.is_none:
        return ["It changes no label and no tag's support."]
    lines = [_describe_labels(effect) if effect.n_labels_added + effect.n_labels_removed else "No label changes."]
    if effect.entered or effect.left:
        lines += [f"enters the cut: {_list(effect.entered)}", f"leaves the cut: {_list(effect.left)}"]
    else:
        lines.append("no tag enters or leaves the cut")
    crossing = {change.tag for change in (*effect.entered, *effect.left)}
    if others := [change for change in effect.tags if change.tag not in crossing]:
        lines.append(f"other support: {_list(others)}")
    if effect.failed_gates:
        lines.append(f"it alone would not hold the gates: {', '.join(effect.failed_gates)}")
    return lines


def _describe_labels(effect: EditEffect) -> str:
    projects = f"projects gaining a tag: {effect.n_gaining:,}, losing one: {effect.n_losing:,}"
    if effect.n_newly_labeled or effect.n_newly_unlabeled:
        edges = f"getting their first: {effect.n_newly_labeled:,}, losing their last: {effect.n_newly_unlabeled:,}"
        projects = f"{projects}, {edges}"
    return f"{count_nouns(effect.n_labels_added, 'label')} added and {effect.n_labels_removed:,} removed; {projects}"


def _list(changes: Sequence[TagRow]) -> str:
    shown = [f"{shorten(change.tag, 40) or EMPTY} {change.base:,} -> {change.head:,}" for change in changes[:_MAX_TAGS]]
    more = [f"{len(changes) - _MAX_TAGS} more"] if len(changes) > _MAX_TAGS else []
    return ", ".join(shown + more) or "none"


def render_question(
    suggestion: Suggestion,
    *,
    number: int,
    n_all: int,
    support: int | None,
    is_kept: bool,
    titles: Sequence[str],
    effect: Sequence[str],
) -> RenderableType:
    """The question that `tagpipe vocab review` asks: is the suggestion to become an alias?

    number: 1 for the first of the `n_all` suggestions. support: of the tag; None if the version last built has no such
    tag. titles: the beginnings of the texts of some projects with the form. effect: what the alias would do to the
    dataset, in lines.
    """
    form, tag, name = (shorten(text) or EMPTY for text in (suggestion.form, suggestion.tag, suggestion.name))
    is_variant = suggestion.kind == Kind.VARIANT
    kind = "another separator or number" if is_variant else f"spelt alike ({suggestion.score:.0f} of 100)"
    of_tag = f"{tag} is not counted" if support is None else f"{support:,} with {tag} ({'kept' if is_kept else 'cut'})"
    via = "" if suggestion.name == suggestion.tag else f"  (as {name})"
    lines = [
        f"{kind}; {count_nouns(suggestion.n_projects, 'project')} with {form}, {of_tag}",
        *([f"but {visible(suggestion.doubt)}"] if suggestion.doubt else []),
        *(f"- {shorten(title, 72)}" for title in titles),
        f"as an alias: {effect[0]}",
        *effect[1:],
    ]
    return Group(Text(f"[{number}/{n_all}] {form}  =  {tag}{via}", "bold"), *(Text(f"    {line}") for line in lines))

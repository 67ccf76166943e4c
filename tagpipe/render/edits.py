"""An edit of the vocabulary before it is made: what it does to the dataset, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tagpipe.comparison.tag_changes import TagChange
from tagpipe.curation.effect import EditEffect
from tagpipe.curation.suggestions import Kind, Suggestion
from tagpipe.render.text import EMPTY, MAX_COMMAND, count_nouns, shorten, visible

_MAX_TAGS = 8


def render_effect(what: str, effect: EditEffect | None, *, no_preview: str | None) -> RenderableType:
    """what: the edit as a command. effect: None where it has none, or where no_preview says why it is not known."""
    return Group(Text(shorten(what, MAX_COMMAND), "bold"), *map(Text, describe_effect(effect, no_preview=no_preview)))


def describe_effect(effect: EditEffect | None, *, no_preview: str | None) -> list[str]:
    """The effect in a few lines. effect, no_preview: as in `render_effect`."""
    if no_preview is not None:
        return [f"What it does to the dataset is not known: {visible(no_preview)}"]
    if effect is None:
        return ["It does nothing to the dataset: only suggestions and the monitor go by it."]
    if effect.is_none:
        return ["It changes no label and no tag's support."]
    lines = [_say_labels(effect) if effect.n_labels_added + effect.n_labels_removed else "No label changes."]
    if effect.entered or effect.left:
        lines += [f"enters the cut: {_list(effect.entered)}", f"leaves the cut: {_list(effect.left)}"]
    else:
        lines.append("no tag enters or leaves the cut")
    edges = {each.tag for each in (*effect.entered, *effect.left)}
    if others := [each for each in effect.tags if each.tag not in edges]:
        lines.append(f"other support: {_list(others)}")
    if effect.failed_gates:
        lines.append(f"it alone would not hold the gates: {', '.join(effect.failed_gates)}")
    return lines


def _say_labels(effect: EditEffect) -> str:
    projects = f"projects gaining a tag: {effect.n_gaining:,}, losing one: {effect.n_losing:,}"
    if effect.n_newly_labeled or effect.n_newly_unlabeled:
        edges = f"getting their first: {effect.n_newly_labeled:,}, losing their last: {effect.n_newly_unlabeled:,}"
        projects = f"{projects}, {edges}"
    return f"{count_nouns(effect.n_labels_added, 'label')} added and {effect.n_labels_removed:,} removed; {projects}"


def _list(changes: Sequence[TagChange]) -> str:
    shown = [f"{shorten(each.tag, 40) or EMPTY} {each.base:,} -> {each.head:,}" for each in changes[:_MAX_TAGS]]
    more = [f"{len(changes) - _MAX_TAGS} more"] if len(changes) > _MAX_TAGS else []
    return ", ".join(shown + more) or "none"


def render_question(
    suggestion: Suggestion,
    *,
    at: int,
    n_all: int,
    support: int | None,
    is_kept: bool,
    titles: Sequence[str],
    effect: Sequence[str],
) -> RenderableType:
    """A suggestion to decide on. support: of its tag; None where the version last built has no such tag.

    titles: how the texts of some projects with the form begin. effect: what it does to the dataset, in lines.
    """
    each = suggestion
    form, tag, name = (shorten(text) or EMPTY for text in (each.form, each.tag, each.name))
    kind = "another separator or number" if each.kind == Kind.VARIANT else f"spelt alike ({each.score:.0f} of 100)"
    of_tag = f"{tag} is not counted" if support is None else f"{support:,} with {tag} ({'kept' if is_kept else 'cut'})"
    lines = [
        Text(f"[{at}/{n_all}] {form}  =  {tag}" + ("" if each.name == each.tag else f"  (as {name})"), "bold"),
        Text(f"    {kind}; {count_nouns(each.n_projects, 'project')} with {form}, {of_tag}"),
    ]
    if each.doubt:
        lines.append(Text(f"    but {visible(each.doubt)}"))
    lines += [Text(f"    - {shorten(title, 72)}") for title in titles]
    lines += [Text(f"    {line}") for line in (f"as an alias: {effect[0]}", *effect[1:])]
    return Group(*lines)

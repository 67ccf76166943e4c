"""Results on a terminal, by rich. Public text goes in as `Text`, which rich never reads as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.dataset.explanation import Explanation
from tagpipe.dataset.summary import Summary, SweepRow, TagCount
from tagpipe.render.text import EMPTY, markdown_text, shorten, visible


def render_summary(summary: Summary) -> RenderableType:
    """The summary of a dataset version."""
    unlabeled = sum(count for _, count in summary.n_unlabeled)
    rows = [
        ("projects in", summary.n_in, ""),
        ("  rejected", summary.n_rejected, _list(summary.n_rejected_by)),
        ("  duplicates", summary.n_duplicates, "identical rows collapsed"),
        ("  labeled", summary.n_labeled, f"{summary.cardinality:.2f} tags each (density {summary.density:.3f})"),
        ("  unlabeled", unlabeled, _list(summary.n_unlabeled)),
        ("tag uses in", summary.n_uses, _list(summary.n_by_outcome)),
        ("  left after the cut", summary.n_kept_uses, ""),
        ("tags seen", summary.n_tags_seen, "of the vocabulary, not excluded"),
        ("  kept", summary.n_tags_kept, f"with at least {summary.min_projects} projects (threshold.min_projects)"),
    ]
    if summary.n_warnings:
        rows.append(("warnings", sum(count for _, count in summary.n_warnings), _list(summary.n_warnings)))
    counts = Table.grid(padding=(0, 2))
    counts.add_column(no_wrap=True)
    counts.add_column(justify="right")
    counts.add_column(style="dim", overflow="fold")
    for name, count, remark in rows:
        counts.add_row(name, f"{count:,}", Text(remark))
    tags = Table.grid(padding=(0, 2))
    tags.add_column(no_wrap=True)
    tags.add_column(overflow="fold")
    tags.add_row("most popular", _tag_counts(summary.most_popular))
    tags.add_row("just made the cut", _tag_counts(summary.just_made))
    tags.add_row("just missed it", _tag_counts(summary.just_missed))
    tags.add_row("most used outside the vocabulary", _tag_counts(summary.out_of_vocabulary[:5]))
    version = Text(f"dataset version {visible(summary.content_sha256)}")
    return Group(counts, Text(), tags, Text(), version)


def render_explanation(explanation: Explanation) -> RenderableType:
    """Why a project has its tags, use by use."""
    verdict = Text(visible(f"project {explanation.project_id}: {explanation.verdict}"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("raw tag", overflow="fold")
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold")
    for use in explanation.uses:
        name = Text(visible(use.raw_tag), style="bold" if use.is_labeled else "") if use.raw_tag else Text("-")
        table.add_row(name, Text(visible(use.outcome)), Text(visible(use.why)))
    return Group(verdict, table) if explanation.uses else verdict


def render_sweep(name: str, rows: Sequence[SweepRow]) -> RenderableType:
    """One line for each value of the parameter `name`, with the tags on each edge of the cut, the nearest first."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in ("value", "tags", "labeled", "cardinality"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("just made the cut", "just missed it"):
        table.add_column(column)
    for row in rows:
        counts = (f"{row.value:,}", f"{row.n_tags_kept:,}", f"{row.n_labeled:,}", f"{row.cardinality:.2f}")
        table.add_row(*counts, _edge(row.just_made[::-1]), _edge(row.just_missed))
    title = Text(f"What each value of {visible(name)} gives")
    return Group(title, Text(), table)


def _edge(pairs: Sequence[TagCount]) -> Text:
    shown = (f"{shorten(tag, 40) or EMPTY} {count:,}" for tag, count in pairs[:3])
    # The text, not its column, refuses to wrap: rich narrows columns that do before those that do not.
    return Text(", ".join(shown) or "none", no_wrap=True, overflow="ellipsis")


def _tag_counts(pairs: Iterable[TagCount]) -> Text:
    return Text(", ".join(f"{visible(tag) or repr(tag)} {count}" for tag, count in pairs) or "none")


def _list(pairs: Iterable[TagCount]) -> str:
    return ", ".join(f"{count:,} {visible(name)}" for name, count in pairs)


def markdown_summary(summary: Summary) -> str:
    """The summary of a dataset version."""
    unlabeled = sum(count for _, count in summary.n_unlabeled)
    headline = (
        f"**{summary.n_labeled:,}** of {summary.n_in:,} projects labeled with **{summary.n_tags_kept}** of "
        f"{summary.n_tags_seen} tags (at least {summary.min_projects} projects each)."
    )
    lines = [
        headline,
        "",
        "| | count | of these |",
        "|---|---:|---|",
        f"| rejected | {summary.n_rejected:,} | {_list_markdown(summary.n_rejected_by)} |",
        f"| duplicates collapsed | {summary.n_duplicates:,} | |",
        f"| unlabeled | {unlabeled:,} | {_list_markdown(summary.n_unlabeled)} |",
        f"| tag uses | {summary.n_uses:,} | {_list_markdown(summary.n_by_outcome)} |",
        "",
        f"- most popular: {_list_markdown_tags(summary.most_popular)}",
        f"- just made the cut: {_list_markdown_tags(summary.just_made)}",
        f"- just missed it: {_list_markdown_tags(summary.just_missed)}",
        "",
        f"Dataset version `{summary.content_sha256}`",
    ]
    return "\n".join(lines) + "\n"


def _list_markdown_tags(pairs: Iterable[TagCount]) -> str:
    return ", ".join(f"{markdown_text(tag)} {count}" for tag, count in pairs) or "none"


def _list_markdown(pairs: Iterable[TagCount]) -> str:
    return ", ".join(f"{count:,} {markdown_text(name)}" for name, count in pairs)

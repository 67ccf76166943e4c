"""The summary of a dataset version on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.dataset.summary import Summary
from tagpipe.render.text import markdown_text, visible
from tagpipe.tables.reports.model import TagCount


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

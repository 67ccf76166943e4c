"""Results as Markdown, for pages that others write into: public text is always literal."""

from __future__ import annotations

from collections.abc import Iterable

from tagpipe.dataset.summary import Summary, TagCount
from tagpipe.render.text import markdown_text


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
        f"| rejected | {summary.n_rejected:,} | {_list(summary.n_rejected_by)} |",
        f"| duplicates collapsed | {summary.n_duplicates:,} | |",
        f"| unlabeled | {unlabeled:,} | {_list(summary.n_unlabeled)} |",
        f"| tag uses | {summary.n_uses:,} | {_list(summary.n_by_outcome)} |",
        "",
        f"- most popular: {_list_tags(summary.most_popular)}",
        f"- just made the cut: {_list_tags(summary.just_made)}",
        f"- just missed it: {_list_tags(summary.just_missed)}",
        "",
        f"Dataset version `{summary.content_sha256}`",
    ]
    return "\n".join(lines) + "\n"


def _list_tags(pairs: Iterable[TagCount]) -> str:
    return ", ".join(f"{markdown_text(tag)} {count}" for tag, count in pairs) or "none"


def _list(pairs: Iterable[TagCount]) -> str:
    return ", ".join(f"{count:,} {markdown_text(name)}" for name, count in pairs)

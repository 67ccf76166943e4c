"""A comparison as the message of the commit that publishes it."""

from __future__ import annotations

import re

from tagpipe.comparison.document import DiffDocument
from tagpipe.render.diff.markdown import markdown_diff

_MAX_SUBJECT = 72

_COMMANDS = re.compile(r"(?<=\[)(?=[a-z]+ [a-z]+\])|(?<=#)(?=[0-9])|(?<=skip)(?=-checks)", re.IGNORECASE)
"""Positions inside what GitHub obeys in a message: [skip ci] and the like, #7 behind a closing word, skip-checks."""


def commit_message(document: DiffDocument) -> str:
    """The subject, then the whole comparison as Markdown."""
    # Public text is in the body: nobody's tag may keep the checks from running, or close an issue.
    body = _COMMANDS.sub("\u200b", markdown_diff(document))
    return f"{describe_change(document)}\n\n{body}"


def describe_change(document: DiffDocument) -> str:
    """The subject: at most 72 characters, without any public text."""
    projects = document.projects
    counts = [
        (projects.added.n, "project", "added"),
        (projects.removed.n, "project", "removed"),
        (document.n_labels_added + document.n_labels_removed, "label", "changed"),
        (document.entered.n + document.left.n, "tag", "crossed the cut"),
    ]
    subject, separator = "Follow upstream", ":"
    for count, noun, verb in counts:
        if not count:
            continue
        longer = f"{subject}{separator} {count} {noun}{'' if count == 1 else 's'} {verb}"
        if len(longer) > _MAX_SUBJECT:
            break
        subject, separator = longer, ","
    return subject

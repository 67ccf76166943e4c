"""The vocabulary edited with care: every edit is planned, shown, written together with its line in the log, and undone.

An edit changes one file: the vocabulary in data/source, or a list of data/curation. Planning reads and computes, and
writes nothing. Applying, under the run lock, makes sure that the file is still what was planned on, and writes it and
the log together (`io.runs.edit_log`); what a kill ended is finished first.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tagpipe.comparison.sides import Side
from tagpipe.curation.canonical_form import rewrite_list, rewrite_vocabulary
from tagpipe.curation.check import command, quote
from tagpipe.curation.effect import EditEffect, measure_effect
from tagpipe.curation.log import LogLine, as_arguments, find_undoable, invert_patch, make_patch, revert_patch
from tagpipe.errors import Busy, ConfigError, EditRefused, TagpipeError, escape_shown
from tagpipe.io.git.commits import find_author
from tagpipe.io.repository.curation_files import (
    EMPTY_FILES,
    IGNORE_FILE,
    LOG_FILE,
    NOT_SAME_FILE,
    curation_file,
)
from tagpipe.io.repository.layout import Layout, repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.runs.edit_log import (
    FileChange,
    finish_killed_edits,
    has_killed_edit,
    path_of,
    read_if_there,
    read_log,
    write_logged,
)
from tagpipe.io.runs.run_dvc import Echo
from tagpipe.operations.open_curation import Curation
from tagpipe.operations.preview import preview_vocabulary
from tagpipe.tables.schemas import is_unicode
from tagpipe.vocabulary.curation_lists import ListName, find_pattern
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_tag

Change = Callable[[Sequence[Entry]], Sequence[Entry]]

WAIT_S = 10.0
"""Time that an edit waits for a command at work, which is often another edit of a second or two."""


@dataclass(frozen=True, eq=False)
class Plan:
    """An edit that is not made yet."""

    action: str
    arguments: tuple[str, ...]
    change: FileChange
    is_rewritten: bool
    """True if the file is not in canonical form, so that the edit rewrites all of it."""
    evidence: Mapping[str, int]
    """Numbers of the time, for the log."""
    effect: EditEffect | None = None
    """None if the edit does not touch the dataset, or its effect is not known."""
    no_preview: str | None = None
    """Why the effect is not known; None if it is."""
    sides: tuple[Side, ...] = ()
    """The two datasets that were built for the effect, so that the next preview need not build them again."""


def plan_edit(
    curation: Curation,
    action: str,
    arguments: Sequence[str],
    change: Change,
    *,
    evidence: Mapping[str, int],
    known: Sequence[Side] = (),
) -> Plan:
    """Plan an edit of the vocabulary. known: `sides` of the plan before it, if there is one.

    Raises ConfigError if the edit would give the vocabulary an error, or if the vocabulary cannot be edited here.
    """
    file = curation.file
    curation_file(curation.layout, LOG_FILE)  # raises if there is no place for the log, before anything is shown
    name, suffix = file.path.name, file.source.suffix
    entries = tuple(change(file.entries))
    if entries == file.entries:
        raise EditRefused("the edit changes nothing", file=name)
    after = rewrite_vocabulary(file.data, suffix, entries, file=name)
    is_rewritten = rewrite_vocabulary(file.data, suffix, file.entries, file=name) != file.data
    planned = Plan(action, tuple(arguments), FileChange(file.relative_path, file.data, after), is_rewritten, evidence)
    try:
        comparison = preview_vocabulary(curation.layout.root, file.data, after, known=known)
    except TagpipeError as error:
        # The inputs may be unreadable for reasons that the edit is to mend, or upstream may be away.
        return replace(planned, no_preview=error.headline)
    effect = measure_effect(comparison.diff, comparison.gates)
    sides = (comparison.diff.base, comparison.diff.head)
    return replace(planned, effect=effect, evidence={**evidence, **effect.numbers}, sides=sides)


def plan_ignore(curation: Curation, raw: str, *, evidence: Mapping[str, int]) -> Plan:
    """Let the monitor ignore a form. Raises EditRefused for a name of the vocabulary, or one already ignored."""
    _check_names([raw])
    form = normalize_tag(raw)
    _check_is_outside(curation.vocabulary, form)
    if form in curation.ignored.tags:
        raise EditRefused("is ignored already", field="RAW", found=escape_shown(form))
    if pattern := find_pattern(form, curation.ignored):
        what = f"is ignored already, by the pattern {escape_shown(pattern)}"
        raise EditRefused(what, field="RAW", found=escape_shown(form))
    change, is_rewritten = _add_to_list(curation.layout, IGNORE_FILE, "tags", form)
    return Plan("ignore", as_arguments(raw), change, is_rewritten, evidence)


def plan_not_same(curation: Curation, first: str, second: str, *, evidence: Mapping[str, int]) -> Plan:
    """Record two names as distinct, so that they are never suggested as one.

    Raises EditRefused for one name, two names of one tag, and a pair that is recorded already.
    """
    _check_names([first, second])
    ours, theirs = sorted((normalize_tag(first), normalize_tag(second)))
    if ours == theirs:
        raise EditRefused("both are the same when compared", field="A and B", found=escape_shown(ours))
    _check_are_two(curation, ours, theirs)
    if curation.not_same.holds(ours, theirs):
        raise EditRefused("are recorded as two things already", field="A and B", found=escape_shown([ours, theirs]))
    change, is_rewritten = _add_to_list(curation.layout, NOT_SAME_FILE, "pairs", [ours, theirs])
    return Plan("not-same", as_arguments(first, second), change, is_rewritten, evidence)


def _add_to_list(layout: Layout, file: str, name: ListName, element: str | list[str]) -> tuple[FileChange, bool]:
    """(the change of the list's file, True if it was not in canonical form)."""
    path = curation_file(layout, file)
    before = read_if_there(path)
    old = EMPTY_FILES[file] if before is None else before
    after = rewrite_list(old, name, element, file=file)
    is_rewritten = rewrite_list(old, name, file=file) != old
    return FileChange(path.relative_to(layout.root).as_posix(), before, after), is_rewritten


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not normalize_tag(name) or not is_unicode(name):
            raise EditRefused("not a name", found=escape_shown(name), expected="a text that is not blank")


def _check_is_outside(vocabulary: Vocabulary, form: str) -> None:
    """Refuse to ignore a name of the vocabulary, which the monitor never reports."""
    tag = resolve_tag(vocabulary, form)
    if tag is None:
        return
    if normalize_tag(tag) == form:
        what, fix = "is a tag of the vocabulary", f"To take it out of use: {command('deprecate', tag)}"
    else:
        what, fix = f"is an alias of {escape_shown(tag)}", "An alias is never suggested, so there is nothing to ignore"
    raise EditRefused(what, field="RAW", found=escape_shown(form), fix=fix)


def _check_are_two(curation: Curation, ours: str, theirs: str) -> None:
    """Refuse two names of one tag, for which the list would have no effect."""
    tag = resolve_tag(curation.vocabulary, ours)
    if tag is None or tag != resolve_tag(curation.vocabulary, theirs):
        return
    alias = theirs if normalize_tag(tag) == ours else ours
    entries = curation.file.entries
    owner = next(entry for entry in entries if alias in map(normalize_tag, (entry.tag, *entry.aliases)))
    if owner.deprecated:  # and the tag replaces it
        fix = f"To part them: {command('deprecate', owner.tag)}, without a replacement"
    else:
        fix = f"To part them: `tagpipe vocab split --off {shlex.quote(alias)} --into NEW {quote(tag)}`"
    what = f"both are names of the tag {escape_shown(tag)}"
    raise EditRefused(what, field="A and B", found=escape_shown([ours, theirs]), fix=fix)


def finish_killed_edit(root: Path, *, echo: Echo) -> list[LogLine]:
    """Finish the edits that a kill ended. Return the lines of those that were not dropped.

    echo: called with what became of each, for people. Raises Busy where a run is at work.
    """
    layout = repository_layout(root)
    if not has_killed_edit(layout):
        return []
    with hold_run_lock(layout.scratch, command="tagpipe vocab", wait_s=WAIT_S):
        return finish_killed_edits(layout, echo=echo)


def apply_plan(curation: Curation, plan: Plan, *, why: str | None) -> None:
    """Write the planned file and the line of the log. Call it in a block of `hold_edits`.

    Raises Busy where the file has changed since it was planned on, ConfigError where it cannot be written.
    """
    layout, change = curation.layout, plan.change
    for text in (*plan.arguments, why or ""):
        if not is_unicode(text):  # from bytes of the command line that are not UTF-8; the log would be unreadable
            raise EditRefused("not text", found=escape_shown(text), expected="UTF-8")
    path = layout.root / change.file
    if read_if_there(path) != change.before:
        fix = "Run the command again to see it anew"
        raise Busy("has been changed since the edit was shown", file=path.name, fix=fix)
    line = LogLine(
        at=_now(),
        who=find_author(layout.root),
        action=plan.action,
        arguments=plan.arguments,
        why=why,
        evidence=plan.evidence,
        patches=(make_patch(change.file, change.before, change.after),),
    )
    write_logged(layout, change, line)


def undo(root: Path, *, why: str | None = None, echo: Echo) -> LogLine:
    """Take the last edit back, to the byte. Return its line of the log. echo: as in `finish_killed_edit`.

    Raises ConfigError where there is none, or its file has been changed since, and as `hold_edits` does.
    """
    layout = repository_layout(root)
    with hold_edits(root, "undo", echo=echo):
        edit = find_undoable(read_log(layout))
        if edit is None:
            raise ConfigError("there is no edit to take back", file=LOG_FILE)
        (patch,) = edit.patches
        now = read_if_there(path_of(layout, patch))
        line = LogLine(
            at=_now(),
            who=find_author(layout.root),
            action="undo",
            arguments=(),
            why=why,
            evidence={},
            patches=(invert_patch(patch),),
            undoes=edit.digest,
        )
        write_logged(layout, FileChange(patch.file, now, revert_patch(patch, now)), line)
    return edit


@contextmanager
def hold_edits(root: Path, action: str, *, echo: Echo) -> Iterator[None]:
    """Hold the run lock, with no killed edit left to be finished. echo: as in `finish_killed_edit`.

    Raises Busy (exit 6) where another command is at work for longer than WAIT_S.
    """
    layout = repository_layout(root)
    with hold_run_lock(layout.scratch, command=f"tagpipe vocab {action}", wait_s=WAIT_S):
        finish_killed_edits(layout, echo=echo)
        yield


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")

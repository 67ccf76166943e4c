"""The vocabulary edited with care: every edit is planned, shown, written together with its line in the log, and undone.

An edit changes one file: the vocabulary in data/source, or a list of data/curation. Planning reads and computes, and
writes nothing. Applying takes the run lock, looks whether the file is still what was planned on, and writes it and
the log together (`io.edit_journal`); what a kill left half written is finished first. The log is
data/curation/vocabulary-log.jsonl.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tagpipe.comparison.sides import Side
from tagpipe.curation.check import command, quote
from tagpipe.curation.effect import EditEffect, measure_effect
from tagpipe.curation.log import (
    LogLine,
    as_arguments,
    find_undoable,
    invert_patch,
    make_patch,
    parse_log,
    revert_patch,
)
from tagpipe.curation.rewriting.curation_lists import add_ignored, add_not_same
from tagpipe.curation.rewriting.vocabulary import write_entries
from tagpipe.errors import ConfigError, EditRefused, InputError, TagpipeError, escape_shown
from tagpipe.io.git.commits import find_author
from tagpipe.io.repository.curation_files import (
    IGNORE_FILE,
    LOG_FILE,
    NOT_SAME_FILE,
    STAGE,
    curation_file,
    read_ignored,
    read_not_same,
)
from tagpipe.io.repository.files import read_bytes
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.runs.edit_journal import FileChange, finish_edit, is_half_written, write_logged
from tagpipe.io.runs.run_dvc import Echo
from tagpipe.io.sources.sources import fetch_source
from tagpipe.io.versions.usage import find_usage
from tagpipe.operations.preview import preview_vocabulary
from tagpipe.params import Params, Source
from tagpipe.tables.schemas import is_unicode
from tagpipe.vocabulary.curation_lists import Ignored, NotSame, dump_ignored, dump_not_same, find_pattern
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

Change = Callable[[Sequence[Entry]], Sequence[Entry]]


@dataclass(frozen=True, eq=False)
class VocabularyFile:
    """The vocabulary as the project has it now, not looked at yet. file: its name, or its url."""

    layout: Layout
    params: Params
    data: bytes
    entries: tuple[Entry, ...]

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return self.params.source.vocabulary

    @property
    def path(self) -> Path:
        """The file to edit. Raises ConfigError for a vocabulary that comes from a url."""
        if self.source.path is None:
            raise ConfigError(
                "the vocabulary comes from a url, so it cannot be edited here",
                file=PARAMS_FILE,
                field="source.vocabulary.url",
                fix="Edit it where it comes from and run `tagpipe refresh`; or put the file into data/source and name "
                "it in params.yaml, as in `vocabulary: {path: vocabulary.json}`",
            )
        return self.layout.dep("fetch", "source") / self.source.path


@dataclass(frozen=True, eq=False)
class Curation:
    """All that people have decided about tags: the vocabulary, which has no error, the two lists, and the log."""

    file: VocabularyFile
    vocabulary: Vocabulary
    ignored: Ignored
    not_same: NotSame
    log: tuple[LogLine, ...]

    @property
    def layout(self) -> Layout:
        """The project."""
        return self.file.layout


@dataclass(frozen=True, eq=False)
class Plan:
    """An edit that is not made yet: the one file it changes, and what that does.

    effect: None where the dataset is not touched, or `no_preview` says why it could not be computed. evidence: numbers
    of the time, for the log. sides: the two datasets that were built for the effect, so that the next edit's preview
    need not build them again.
    """

    action: str
    arguments: tuple[str, ...]
    change: FileChange
    effect: EditEffect | None
    no_preview: str | None
    evidence: dict[str, int]
    sides: tuple[Side, ...] = ()


def read_vocabulary_file(root: Path) -> VocabularyFile:
    """The vocabulary's entries. Raises InputError where the file cannot be read as a vocabulary."""
    layout = repository_layout(root)
    params = read_params(layout.params_file)
    source = params.source.vocabulary
    data = fetch_source(layout, "vocabulary", source, params.source.download).data
    return VocabularyFile(layout, params, data, read_entries(data, source.suffix, file=source.location))


def open_curation(root: Path) -> Curation:
    """The project's vocabulary and decisions. Raises InputError where one of them cannot be read, or has errors."""
    file = read_vocabulary_file(root)
    vocabulary = vocabulary_of(file.entries, file=file.source.location)
    layout = file.layout
    return Curation(file, vocabulary, read_ignored(layout), read_not_same(layout), read_log(layout))


def read_log(layout: Layout) -> tuple[LogLine, ...]:
    """Every line of the edit log, the oldest first."""
    if STAGE not in layout.stages:  # made before there was a monitor
        return ()
    path = curation_file(layout, LOG_FILE)
    return tuple(parse_log(read_bytes(path), file=LOG_FILE)) if path.is_file() else ()


def plan_edit(
    curation: Curation,
    action: str,
    arguments: Sequence[str],
    change: Change,
    *,
    evidence: dict[str, int] | None = None,
    known: Sequence[Side] = (),
) -> Plan:
    """An edit of the vocabulary. known: `sides` of the plan before it, if there is one.

    Raises ConfigError where it would break the vocabulary's integrity, or it cannot be edited here.
    """
    file = curation.file
    curation_file(curation.layout, LOG_FILE)  # without a place for the log nothing is to be shown or asked
    path = file.path
    entries = tuple(change(file.entries))
    after = write_entries(file.data, file.source.suffix, entries, file=path.name)
    if after == file.data:
        raise EditRefused("the edit changes nothing", file=path.name)
    planned = Plan(action, tuple(arguments), FileChange(path, file.data, after), None, None, dict(evidence or {}))
    return _with_effect(curation, planned, known)


def _with_effect(curation: Curation, plan: Plan, known: Sequence[Side]) -> Plan:
    assert plan.change.before is not None
    assert plan.change.after is not None
    try:
        comparison = preview_vocabulary(curation.layout.root, plan.change.before, plan.change.after, known=known)
    except TagpipeError as error:
        return replace(plan, no_preview=error.headline)
    effect = measure_effect(comparison.diff, comparison.gates)
    sides = (comparison.diff.base, comparison.diff.head)
    return replace(plan, effect=effect, evidence={**plan.evidence, **effect.numbers}, sides=sides)


def gather_evidence(curation: Curation, *, forms: Sequence[str] = (), tags: Sequence[str] = ()) -> dict[str, int]:
    """How many projects have what an edit names, by the version last built; nothing where none is built.

    n_projects: of the first form; support: of the first tag, before the cut; n_projects_of_2 and so on: of further
    ones.
    """
    usage = find_usage(curation.layout)
    if usage is None:
        return {}
    tag_of = resolve_names(curation.vocabulary)
    names = [curation.vocabulary.tags[tag_of[form]] if (form := normalize_tag(tag)) in tag_of else tag for tag in tags]
    found = _number("n_projects", [usage.counts.get(normalize_tag(form), 0) for form in forms])
    return found | _number("support", [usage.support.get(name, 0) for name in names])


def _number(name: str, values: Sequence[int]) -> dict[str, int]:
    return {name if at == 1 else f"{name}_of_{at}": value for at, value in enumerate(values, start=1)}


def plan_ignore(curation: Curation, raw: str, *, evidence: dict[str, int] | None = None) -> Plan:
    """A form that the monitor no longer tells of. Raises EditRefused for a name of the vocabulary, or one ignored."""
    _check_names([raw])
    form = normalize_tag(raw)
    _check_is_outside(curation.vocabulary, form)
    if form in curation.ignored.tags:
        raise EditRefused("is ignored already", field="RAW", found=escape_shown(form))
    if pattern := find_pattern(form, curation.ignored):
        raise EditRefused(
            f"is ignored already, by the pattern {escape_shown(pattern)}", field="RAW", found=escape_shown(form)
        )
    path, before = _read_list(curation.layout, IGNORE_FILE)
    after = dump_ignored(Ignored((form,))) if before is None else add_ignored(before, form)
    return Plan("ignore", as_arguments(raw), FileChange(path, before, after), None, None, dict(evidence or {}))


def plan_not_same(curation: Curation, first: str, second: str, *, evidence: dict[str, int] | None = None) -> Plan:
    """Two names that are never suggested as one. Raises EditRefused where they are one name, or names of one tag, or
    told apart already."""
    _check_names([first, second])
    ours, theirs = sorted((normalize_tag(first), normalize_tag(second)))
    if ours == theirs:
        raise EditRefused("both are the same when compared", field="A and B", found=escape_shown(ours))
    _check_are_two(curation, ours, theirs)
    if curation.not_same.holds(ours, theirs):
        raise EditRefused("are told apart already", field="A and B", found=escape_shown([ours, theirs]))
    path, before = _read_list(curation.layout, NOT_SAME_FILE)
    first_of_all = NotSame(frozenset({(ours, theirs)}))
    after = dump_not_same(first_of_all) if before is None else add_not_same(before, ours, theirs)
    return Plan(
        "not-same", as_arguments(first, second), FileChange(path, before, after), None, None, dict(evidence or {})
    )


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not normalize_tag(name) or not is_unicode(name):
            raise EditRefused("not a name", found=escape_shown(name), expected="a text that is not blank")


def _check_is_outside(vocabulary: Vocabulary, form: str) -> None:
    """Refuse to ignore a name that means a tag: the monitor tells of none."""
    index = resolve_names(vocabulary).get(form)
    if index is None:
        return
    tag = vocabulary.tags[index]
    if normalize_tag(tag) == form:
        what, fix = "is a tag of the vocabulary", f"To take it out of use: {command('deprecate', tag)}"
    else:
        what, fix = f"is an alias of {escape_shown(tag)}", "An alias is never suggested, so there is nothing to ignore"
    raise EditRefused(what, field="RAW", found=escape_shown(form), fix=fix)


def _check_are_two(curation: Curation, ours: str, theirs: str) -> None:
    """Refuse to tell two names of one tag apart: as long as they are that, nothing goes by it."""
    names = resolve_names(curation.vocabulary)
    index = names.get(ours)
    if index is None or index != names.get(theirs):
        return
    tag = curation.vocabulary.tags[index]
    alias = theirs if normalize_tag(tag) == ours else ours
    owner = next(each for each in curation.file.entries if alias in map(normalize_tag, (each.tag, *each.aliases)))
    if owner.deprecated:  # and the tag replaces it
        fix = f"To part them: {command('deprecate', owner.tag)}, without a replacement"
    else:
        fix = f"To part them: `tagpipe vocab split --off {shlex.quote(alias)} --into NEW {quote(tag)}`"
    raise EditRefused(
        f"both are names of the tag {escape_shown(tag)}",
        field="A and B",
        found=escape_shown([ours, theirs]),
        fix=fix,
    )


def _read_list(layout: Layout, name: str) -> tuple[Path, bytes | None]:
    """(its path, its bytes; None where there is none yet)."""
    path = curation_file(layout, name)
    return path, read_bytes(path) if path.is_file() else None


def finish_killed_edit(root: Path, *, echo: Echo) -> LogLine | None:
    """Finish the edit that a kill left half written, before the next one is planned; its line of the log.

    None where there was none, or it was dropped. echo: called with a line for people. Raises Busy where a run is at
    work.
    """
    layout = repository_layout(root)
    if not is_half_written(layout.scratch):
        return None
    with _hold(layout, "vocab", echo=echo) as finished:
        return finished


def apply_plan(curation: Curation, plan: Plan, *, why: str | None, echo: Echo) -> LogLine:
    """Write the planned file and the line of the log; the line. echo: as in `finish_killed_edit`.

    Raises ConfigError where the file has changed since it was planned on, Busy (exit 6) where a run is at work.
    """
    change = plan.change
    for text in (*plan.arguments, why or ""):
        if not is_unicode(text):  # bytes of the command line that are no UTF-8; the log could not be read again
            raise EditRefused("not text", found=escape_shown(text), expected="UTF-8")
    with _hold(curation.layout, f"vocab {plan.action}", echo=echo):
        _expect(change.path, change.before)
        line = LogLine(
            at=_now(),
            who=find_author(curation.layout.root),
            action=plan.action,
            arguments=plan.arguments,
            why=why,
            evidence=plan.evidence,
            patches=(make_patch(_name_of(curation.layout, change.path), change.before, change.after),),
        )
        _write(curation.layout, change, line)
    return line


def undo(root: Path, *, why: str | None = None, echo: Echo) -> LogLine:
    """Take the last edit back, to the byte; the line of the log that was undone. echo: as in `finish_killed_edit`.

    Raises ConfigError where there is none, or its file has been changed since.
    """
    layout = repository_layout(root)
    with _hold(layout, "vocab undo", echo=echo):
        edit = find_undoable(read_log(layout))
        if edit is None:
            raise ConfigError("there is no edit to take back", file=LOG_FILE)
        (patch,) = edit.patches
        path = _path_of(layout, patch.file)
        now = read_bytes(path) if path.is_file() else None
        before = revert_patch(patch, now)
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
        _write(layout, FileChange(path, now, before), line)
    return edit


def _name_of(layout: Layout, path: Path) -> str:
    return path.relative_to(layout.root).as_posix()


def _path_of(layout: Layout, name: str) -> Path:
    """The file called `name` in a patch. Raises InputError for any that no edit writes: others can write the log."""
    paths = [curation_file(layout, each) for each in (IGNORE_FILE, NOT_SAME_FILE)]
    vocabulary = read_params(layout.params_file).source.vocabulary.path
    if vocabulary is not None:
        paths.append(layout.dep("fetch", "source") / vocabulary)
    path_of = {_name_of(layout, path): path for path in paths}
    if name not in path_of:
        raise InputError(
            "an edit of a file that edits do not write",
            file=LOG_FILE,
            field="patches.0.file",
            found=escape_shown(name),
            expected=", ".join(path_of),
            fix="Restore the log from git, or name that vocabulary in params.yaml again",
        )
    return path_of[name]


@contextmanager
def _hold(layout: Layout, command: str, *, echo: Echo) -> Iterator[LogLine | None]:
    """The run lock, with nothing left half written; the line of the edit that was finished for that."""
    with hold_run_lock(layout.scratch, command=f"tagpipe {command}"):
        killed = finish_edit(layout.scratch)
        if killed is not None:
            echo(killed.in_words)
        yield None if killed is None or killed.changed else killed.line


def _expect(path: Path, before: bytes | None) -> None:
    now = read_bytes(path) if path.is_file() else None
    if now != before:
        raise EditRefused(
            "has been changed since the edit was shown", file=path.name, fix="Run the command again to see it anew"
        )


def _write(layout: Layout, change: FileChange, line: LogLine) -> None:
    write_logged(layout.scratch, change, curation_file(layout, LOG_FILE), line)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")

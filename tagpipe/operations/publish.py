"""Follow upstream: build a candidate beside the published version, judge it, and publish it by one ref update, or not.

The user's workspace and HEAD are never touched: everything happens in detached work trees, and the last step is one
update of one ref, so whoever reads the published branch sees the old version or the new one, whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tagpipe.comparison.comparison import Comparison
from tagpipe.comparison.document import DiffDocument
from tagpipe.dataset.summary import Summary
from tagpipe.errors import ConfigError, IntegrityError, SourceUnavailable, visible
from tagpipe.io.checks.verify_objects import verify_deep
from tagpipe.io.git.commits import read_blob
from tagpipe.io.git.worktree import clear_worktrees
from tagpipe.io.publication.proposal import Proposal
from tagpipe.io.publication.refs import (
    CANDIDATE_BRANCH,
    Moved,
    Refs,
    drop_candidate,
    is_current,
    keep_refused,
    move_published,
    read_gated_params,
    read_params_at,
    read_refs,
)
from tagpipe.io.repository.dvc_lock import LOCK_FILE, parse_lock
from tagpipe.io.repository.layout import DVC_FILE, PARAMS_FILE, Layout, repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git, disk_full, is_disk_full, says_disk_full
from tagpipe.io.repository.yaml_file import read_params, replace_text
from tagpipe.io.runs.dvc_remote import has_remote, pull_data, push_data
from tagpipe.io.runs.rebuild import run_there, shared_worktree
from tagpipe.io.runs.run_dvc import StageRun
from tagpipe.io.sources.pinned_store import forget_downloads
from tagpipe.io.sources.sources import named_sources
from tagpipe.io.sources.upstream import check_upstream
from tagpipe.io.versions.version import Version, verify_version
from tagpipe.operations.compare import compare
from tagpipe.operations.load import load_summary
from tagpipe.params import Params, PublishParams
from tagpipe.render.diff.markdown import markdown_diff

MAX_MOVES = 3
"""How often a branch may move while a candidate is built on it, before the run gives up."""

_PREFIX = "tagpipe-publish-"
_MAX_SUBJECT = 72


@dataclass(frozen=True)
class Publication:
    """What became of a look upstream.

    outcome: unchanged (upstream has nothing new, or nothing that the open candidate has not), published (one ref was
    updated), proposed (as a pull request: a person publishes it by merging it), or refused (a gate failed; the
    candidate is kept on `ref`). reason: one line for people. base: the commit that is published now. commit, ref,
    content_sha256: of the candidate, None where there is none. pull_request: its number, None unless `to` is
    pull-request. stages: what DVC did to build the candidate; empty where none was built. summary: of the candidate.
    document: the comparison with the version that was published.
    """

    outcome: Literal["unchanged", "published", "proposed", "refused"]
    reason: str
    base: str
    commit: str | None = None
    ref: str | None = None
    content_sha256: str | None = None
    pull_request: int | None = None
    stages: tuple[StageRun, ...] = ()
    summary: Summary | None = None
    document: DiffDocument | None = None


@dataclass(frozen=True)
class _Project:
    """What is followed: layout and `publish` of the project; proposal: None unless `to` is pull-request."""

    layout: Layout
    where: PublishParams

    @property
    def root(self) -> Path:
        return self.layout.root

    @property
    def proposal(self) -> Proposal | None:
        if self.where.to != "pull-request":
            return None
        return Proposal(self.root, self.where.remote, head=CANDIDATE_BRANCH, base=self.where.branch)

    @property
    def inputs(self) -> list[str]:
        """What a version is made from, and dvc.lock, which says what it is."""
        outs = {path for stage in self.layout.stages.values() for path, _ in stage.outs}
        deps = {path for stage in self.layout.stages.values() for path in stage.deps}
        return [PARAMS_FILE, DVC_FILE, LOCK_FILE, *sorted(deps - outs)]


@dataclass(frozen=True)
class _Candidate:
    commit: str
    stages: tuple[StageRun, ...]
    summary: Summary
    found: Comparison


def publish(root: Path) -> Publication:
    """Look upstream and publish what has changed, as params.yaml `publish` says. Workspace and HEAD stay as they are.

    Raises Busy, SourceUnavailable, InputError, GuardError, IntegrityError or ConfigError; the published version is then
    what it was.
    """
    layout = repository_layout(root)
    project = _Project(layout, read_params(layout.params_file).publish)
    with _expected_failures(root), hold_run_lock(layout.scratch, command="tagpipe publish"):
        clear_worktrees(root, _PREFIX)
        for _ in range(MAX_MOVES):
            with suppress(Moved):
                return _publish_once(project)
    raise SourceUnavailable(
        f"the branch moved {MAX_MOVES} times while a candidate was built on it",
        file=project.where.branch,
        fix="Run it again",
    )


@contextmanager
def _expected_failures(root: Path) -> Iterator[None]:
    """What git and the disk may refuse anywhere, as ConfigError. Nothing has been published then."""
    try:
        yield
    except GitFailed as error:
        if says_disk_full(str(error)):
            raise disk_full(str(error), file=str(root)) from None
        fix = "Mend what git says: see whether its disk has room, and whether you may write to it"
        raise ConfigError(f"git failed: {visible(str(error))}", file=str(root), fix=fix) from None
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise disk_full(str(error.strerror), file=str(error.filename2 or error.filename or root)) from None


def _publish_once(project: _Project) -> Publication:
    if project.proposal is not None:
        project.proposal.check()
    refs = read_refs(project.root, project.where)
    params = read_gated_params(project.root, refs.base)
    pins = check_upstream(project.layout, params)
    forget_downloads(project.layout, _list_needed(project, params, refs.candidate, pins))
    moved = {name: new for name, (old, new) in pins.items() if old != new}
    proposed = _compare_proposal(project, refs, {name: new for name, (_, new) in pins.items()})
    if proposed is not None:
        return proposed
    if not moved:
        return Publication("unchanged", f"upstream has nothing that {refs.base[:12]} has not", refs.base)
    candidate = _build(project, refs.base, moved)
    if same := _find_same(project, refs, candidate.commit):
        return Publication("unchanged", f"upstream has other bytes that give what {same} has", refs.base)
    decided = _decide(project, refs, candidate)
    return replace(decided, stages=candidate.stages, summary=candidate.summary, document=candidate.found.document)


def _decide(project: _Project, refs: Refs, candidate: _Candidate) -> Publication:
    document = candidate.found.document
    digest = document.head.content_sha256
    if not candidate.found.passed:
        return _refuse(project, refs, candidate)
    _share_data(project, candidate.commit)
    ref = move_published(project.root, project.where, refs, candidate.commit)
    reason = f"{describe_change(document)} ({ref})"
    if project.proposal is None:
        return Publication("published", reason, candidate.commit, candidate.commit, ref, digest)
    number = project.proposal.write(describe_change(document), markdown_diff(document))
    return Publication(
        "proposed", f"{reason}, pull request #{number}", refs.base, candidate.commit, ref, digest, number
    )


def _refuse(project: _Project, refs: Refs, candidate: _Candidate) -> Publication:
    """Keep the candidate, and its data where there is a remote for it: upstream may have other bytes tomorrow."""
    document = candidate.found.document
    digest = document.head.content_sha256
    ref, commit, trouble = keep_refused(project.root, project.where, refs, candidate.commit, digest)
    if has_remote(project.root):
        try:
            _push_data(project, candidate.commit)
        except SourceUnavailable as error:
            trouble = "; ".join(filter(None, [trouble, error.what]))
    failed = ", ".join(gate.name for gate in document.gates if not gate.passed)
    reason = "; ".join(filter(None, [f"gates failed: {failed}", f"kept on {ref}", trouble]))
    return Publication("refused", reason, refs.base, commit, ref, digest)


# --- what is proposed already ----------------------------------------------------------------------------------------


def _compare_proposal(project: _Project, refs: Refs, pins: dict[str, str]) -> Publication | None:
    """What is to be said where the open candidate has upstream's pins, or has bytes that upstream has taken back; None
    where there is none, or upstream has gone on."""
    if project.proposal is None or refs.candidate is None:
        return None
    is_merged = ask_git(project.root, "merge-base", "--is-ancestor", refs.candidate, refs.base) is not None
    offered, published = (_read_pins(project.root, commit, pins) for commit in (refs.candidate, refs.base))
    if is_merged or (published == pins and offered == pins):
        return None
    if published == pins:
        return _withdraw(project, refs)
    if offered == pins and is_current(project.root, refs.candidate, refs.base, project.inputs):
        return _keep_proposed(project, refs)
    return None


def _withdraw(project: _Project, refs: Refs) -> Publication:
    assert project.proposal is not None
    assert refs.candidate is not None
    reason = f"upstream has taken back what {CANDIDATE_BRANCH} offered"
    pull = project.proposal.find(refs.candidate)
    if pull is not None and pull.state == "open":
        project.proposal.close(pull.number, "Upstream is again what the published version was built from.")
        reason += f"; pull request #{pull.number} was closed"
    drop_candidate(project.root, project.where, refs)
    return Publication("unchanged", reason, refs.base)


def _keep_proposed(project: _Project, refs: Refs) -> Publication:
    """The candidate has a pull request, or gets the one that an earlier run could not open."""
    assert project.proposal is not None
    assert refs.candidate is not None
    pull = project.proposal.find(refs.candidate)
    if pull is not None:
        what = "has what upstream has" if pull.state == "open" else "was closed, and upstream has nothing else"
        return Publication(
            "unchanged", f"the candidate of pull request #{pull.number} {what}", refs.base, pull_request=pull.number
        )
    title, _, body = call_git(project.root, "log", "-1", "--format=%B", refs.candidate).partition("\n\n")
    number = project.proposal.write(title, body)
    reason = f"{title} ({CANDIDATE_BRANCH}), pull request #{number}"
    return Publication("proposed", reason, refs.base, refs.candidate, CANDIDATE_BRANCH, None, number)


def _find_same(project: _Project, refs: Refs, commit: str) -> str | None:
    """What has the same tables as a candidate: the published version or the open candidate; None if nothing has."""
    outputs = _read_outputs(project, commit)
    if _read_outputs(project, refs.base) == outputs:
        return refs.base[:12]
    if refs.candidate is None or not is_current(project.root, refs.candidate, refs.base, project.inputs):
        return None
    return CANDIDATE_BRANCH if _read_outputs(project, refs.candidate) == outputs else None


def _read_outputs(project: _Project, commit: str) -> dict[str, str] | None:
    """Path -> md5 of every table that a commit's dvc.lock names; None where there is no dvc.lock.

    What was received is left out, and what tells of its bytes (the manifest) or rows (what was rejected): another order
    of the rows is no change.
    """
    lock = read_blob(project.root, commit, LOCK_FILE)
    if lock is None:
        return None
    tables = {
        path
        for name, stage in project.layout.stages.items()
        for path, is_cached in stage.outs
        if is_cached and name != "fetch" and not path.endswith(("/manifest.json", "/rejected.jsonl"))
    }
    stages: dict[str, dict[str, Any]] = parse_lock(lock)
    outs = (out for stage in stages.values() for out in stage.get("outs", ()))
    return {out["path"]: str(out.get("md5")) for out in outs if out["path"] in tables}


def _list_needed(
    project: _Project, published: Params, candidate: str | None, pins: dict[str, tuple[str, str]]
) -> set[str]:
    """The sha256s that the published version, the open candidate, the workspace and the next look may ask for."""
    each = [published, read_params(project.layout.params_file)]
    each += [read_params_at(project.root, candidate)] if candidate else []
    named = {source.sha256 for params in each for _, source in named_sources(params.source) if source.sha256}
    return named | {new for _, new in pins.values()}


def _read_pins(root: Path, commit: str, names: dict[str, str]) -> dict[str, str | None]:
    source = read_params_at(root, commit).source
    return {name: getattr(source, name).sha256 for name in names}


# --- the candidate ---------------------------------------------------------------------------------------------------


def _build(project: _Project, base: str, moved: dict[str, str]) -> _Candidate:
    """Build upstream's new bytes on top of `base`, in a work tree that is gone afterwards, and commit it there."""
    with shared_worktree(project.root, base, prefix=_PREFIX) as tree:
        candidate = repository_layout(tree)
        replace_text(candidate.params_file, {("source", name, "sha256"): pin for name, pin in moved.items()})
        stages = run_there(tree)
        verify_version(Version(candidate))
        found = compare(project.root, base, str(tree), rebuild=True, head_name="candidate")
        return _Candidate(_commit(candidate, found), stages, load_summary(tree), found)


def _commit(candidate: Layout, found: Comparison) -> str:
    """One commit of the pins, the lock and the reports; its id."""
    root = candidate.root
    document = found.document
    message = f"{describe_change(document)}\n\n{_inert(markdown_diff(document))}"
    paths = [PARAMS_FILE, LOCK_FILE, *candidate.reports]
    call_git(root, "add", "--update", "--", ".")
    call_git(root, "add", "--force", "--", *paths)
    call_git(root, "commit", "--quiet", "--cleanup=whitespace", "--file=-", stdin=message, identity=True)
    return call_git(root, "rev-parse", "HEAD")


_COMMANDS = re.compile(r"(?<=\[)(?=[a-z]+ [a-z]+\])|(?<=#)(?=[0-9])|(?<=skip)(?=-checks)", re.IGNORECASE)
"""Inside of what GitHub obeys in a commit's message: [skip ci] and its like, #7 behind a closing word, skip-checks."""


def _inert(text: str) -> str:
    """Public text is in it: nobody's tag is to keep the checks from running, or to close an issue."""
    return _COMMANDS.sub("\u200b", text)


def describe_change(document: DiffDocument) -> str:
    """A commit's subject, at most 72 characters, without any public text."""
    projects = document.projects
    n_labels = document.n_labels_added + document.n_labels_removed
    n_crossed = document.entered.n + document.left.n
    parts = [
        (projects.added.n, f"project{_s(projects.added.n)} added"),
        (projects.removed.n, f"project{_s(projects.removed.n)} removed"),
        (n_labels, f"label{_s(n_labels)} changed"),
        (n_crossed, f"tag{_s(n_crossed)} crossed the cut"),
    ]
    subject = "Follow upstream"
    for count, words in [part for part in parts if part[0]]:
        longer = f"{subject}{':' if subject == 'Follow upstream' else ','} {count} {words}"
        if len(longer) > _MAX_SUBJECT:
            break
        subject = longer
    return subject


def _s(count: int) -> str:
    return "" if count == 1 else "s"


# --- publishing ------------------------------------------------------------------------------------------------------


def _share_data(project: _Project, commit: str) -> None:
    """Push the data, and see that a clean clone can pull it bit-exact. Raises ConfigError, SourceUnavailable or
    IntegrityError; nothing has been published then."""
    if not has_remote(project.root):
        if project.where.to == "local":
            return
        raise ConfigError(
            "there is no DVC remote, so nobody else could read the version",
            field="publish.to",
            found=project.where.to,
            fix="Add one with `dvc remote add -d NAME URL`, or publish to local",
        )
    _push_data(project, commit)
    with shared_worktree(project.root, commit, prefix=_PREFIX, has_cache=False) as clean:
        pull_data(clean)
        check = verify_deep(clean, with_remote=False)
        if check.error is not None:
            raise check.error
        damaged = [each.paths[0] for each in check.objects if each.is_damaged]
        if damaged:
            raise IntegrityError(
                f"what a clean clone pulls is not what was built: {damaged[0]}",
                file="the DVC remote",
                fix="`tagpipe verify --deep` says which object is damaged, and how to heal it",
            )


def _push_data(project: _Project, commit: str) -> None:
    with shared_worktree(project.root, commit, prefix=_PREFIX) as tree:
        push_data(tree)

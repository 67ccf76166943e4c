"""Follow upstream: build a candidate beside the published version, and publish it by one ref update if it passes.

The user's workspace and HEAD are never touched: everything happens in detached work trees, and the last step is one
update of one ref, so whoever reads the published branch sees the old version or the new one, whole.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tagpipe.comparison.comparison import Comparison
from tagpipe.comparison.document import DiffDocument
from tagpipe.dataset.summary import Summary
from tagpipe.errors import ConfigError, SourceUnavailable, visible
from tagpipe.io.git.worktree import clear_worktrees
from tagpipe.io.publication.proposal import Proposal
from tagpipe.io.publication.refs import (
    CANDIDATE_BRANCH,
    Moved,
    Refs,
    drop_candidate,
    keep_refused,
    move_published,
    read_params_at,
    read_refs,
)
from tagpipe.io.publication.share_data import WORKTREE_PREFIX, push_commit_data, share_data
from tagpipe.io.publication.version_paths import is_current, read_tables
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, repository_layout
from tagpipe.io.repository.lock import hold_run_lock
from tagpipe.io.repository.programs import GitFailed, ask_git, call_git, disk_full, says_disk_full
from tagpipe.io.repository.yaml_file import read_params, replace_text
from tagpipe.io.runs.dvc_remote import has_remote
from tagpipe.io.runs.rebuild import run_in_worktree, shared_worktree
from tagpipe.io.runs.run_dvc import StageRun
from tagpipe.io.sources.pinned_store import forget_downloads
from tagpipe.io.sources.sources import named_sources
from tagpipe.io.sources.upstream import check_upstream
from tagpipe.io.versions.verify_version import verify_version
from tagpipe.io.versions.version import Version
from tagpipe.operations.compare import compare
from tagpipe.operations.load import load_summary
from tagpipe.params import Params, PublishParams
from tagpipe.render.diff.commit_message import commit_message, describe_change
from tagpipe.render.diff.markdown import markdown_diff

MAX_MOVES = 3
"""How often a branch may move while a candidate is built on it, before the run gives up."""


@dataclass(frozen=True)
class Publication:
    """What became of a look upstream."""

    outcome: Literal["unchanged", "published", "proposed", "refused"]
    """unchanged: upstream has nothing new, or only what the open candidate has already. published: one ref was updated.
    proposed: as a pull request, which a person publishes by merging it. refused: a gate failed, and the candidate is
    kept on `ref`."""
    reason: str
    """One line for people."""
    base: str
    """The commit that is published now."""
    commit: str | None = None
    """Of the candidate; None if there is none, as for `ref` and `content_sha256`."""
    ref: str | None = None
    content_sha256: str | None = None
    pull_request: int | None = None
    """Its number; None unless `publish.to` is pull-request."""
    stages: tuple[StageRun, ...] = ()
    """What DVC did to build the candidate; empty if none was built."""
    summary: Summary | None = None
    """Of the candidate."""
    document: DiffDocument | None = None
    """The comparison of the candidate with the published version."""


@dataclass(frozen=True)
class _Repository:
    """The dataset repository that is followed."""

    layout: Layout
    where: PublishParams

    @property
    def root(self) -> Path:
        return self.layout.root

    @property
    def proposal(self) -> Proposal | None:
        """The pull request of the candidate; None unless `publish.to` is pull-request."""
        if self.where.to != "pull-request":
            return None
        return Proposal(self.root, self.where.remote, head=CANDIDATE_BRANCH, base=self.where.branch)


@dataclass(frozen=True)
class _Candidate:
    commit: str
    stages: tuple[StageRun, ...]
    summary: Summary
    comparison: Comparison


def publish(root: Path) -> Publication:
    """Look upstream and publish what has changed, as params.yaml `publish` says. Workspace and HEAD stay as they are.

    Raises Busy, SourceUnavailable, InputError, GuardError, IntegrityError or ConfigError; the published version is then
    what it was.
    """
    layout = repository_layout(root)
    repository = _Repository(layout, read_params(layout.params_file).publish)
    with _expected_failures(root), hold_run_lock(layout.scratch, command="tagpipe publish"):
        clear_worktrees(root, WORKTREE_PREFIX)
        for _ in range(MAX_MOVES):
            with suppress(Moved):
                return _publish_once(repository)
    raise SourceUnavailable(
        f"the branch moved {MAX_MOVES} times while a candidate was built on it",
        file=repository.where.branch,
        fix="Run it again",
    )


@contextmanager
def _expected_failures(root: Path) -> Iterator[None]:
    """Raise ConfigError for what git or the disk may refuse anywhere. Nothing has been published then."""
    try:
        yield
    except GitFailed as error:
        if says_disk_full(str(error)):
            raise disk_full(str(error), file=str(root)) from None
        fix = "Mend what git says: see whether its disk has room, and whether you may write to it"
        raise ConfigError(f"git failed: {visible(str(error))}", file=str(root), fix=fix) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise disk_full(str(error.strerror), file=str(error.filename2 or error.filename or root)) from None


def _publish_once(repository: _Repository) -> Publication:
    if repository.proposal is not None:
        repository.proposal.check()
    refs = read_refs(repository.root, repository.where)
    # The published version's own gates and sources: a change of them is published by a person, with a commit.
    params = read_params_at(repository.root, refs.base, with_gates=True)
    pins = check_upstream(repository.layout, params)
    forget_downloads(repository.layout, _list_needed(repository, params, refs.candidate, pins))
    moved = {name: new for name, (old, new) in pins.items() if old != new}
    settled = _settle_open_candidate(repository, refs, {name: new for name, (_, new) in pins.items()})
    if settled is not None:
        return settled
    if not moved:
        return Publication("unchanged", f"upstream has nothing that {refs.base[:12]} has not", refs.base)
    candidate = _build(repository, refs.base, moved)
    if same := _find_same(repository, refs, candidate.commit):
        return Publication("unchanged", f"upstream has other bytes that give what {same} has", refs.base)
    publication = (_accept if candidate.comparison.passed else _refuse)(repository, refs, candidate)
    return replace(
        publication, stages=candidate.stages, summary=candidate.summary, document=candidate.comparison.document
    )


def _accept(repository: _Repository, refs: Refs, candidate: _Candidate) -> Publication:
    """Publish or propose a candidate, once everybody can read its data."""
    document = candidate.comparison.document
    digest = document.head.content_sha256
    # First the data: whoever sees the branch move can then read what it points to.
    share_data(repository.root, candidate.commit, repository.where.to)
    ref = move_published(repository.root, repository.where, refs, candidate.commit)
    reason = f"{describe_change(document)} ({ref})"
    if repository.proposal is None:
        return Publication("published", reason, candidate.commit, candidate.commit, ref, digest)
    number = repository.proposal.write(describe_change(document), markdown_diff(document))
    return Publication(
        "proposed", f"{reason}, pull request #{number}", refs.base, candidate.commit, ref, digest, number
    )


def _refuse(repository: _Repository, refs: Refs, candidate: _Candidate) -> Publication:
    """Keep the candidate, and its data where there is a remote for it: upstream may have other bytes tomorrow."""
    document = candidate.comparison.document
    digest = document.head.content_sha256
    ref, commit, trouble = keep_refused(repository.root, repository.where, refs, candidate.commit, digest)
    if has_remote(repository.root):
        try:
            push_commit_data(repository.root, candidate.commit)
        except SourceUnavailable as error:
            trouble = "; ".join(filter(None, [trouble, error.what]))
    failed = ", ".join(gate.name for gate in document.gates if not gate.passed)
    reason = "; ".join(filter(None, [f"gates failed: {failed}", f"kept on {ref}", trouble]))
    return Publication("refused", reason, refs.base, commit, ref, digest)


def _settle_open_candidate(repository: _Repository, refs: Refs, pins: dict[str, str]) -> Publication | None:
    """Keep the open candidate if it has upstream's pins, or withdraw it if upstream has taken its bytes back.

    None if there is no open candidate, or upstream has moved on.
    """
    proposal, candidate, base = repository.proposal, refs.candidate, refs.base
    if proposal is None or candidate is None:
        return None
    is_merged = ask_git(repository.root, "merge-base", "--is-ancestor", candidate, base) is not None
    offered, published = (_read_pins(repository.root, commit, pins) for commit in (candidate, base))
    if is_merged or (published == pins and offered == pins):
        return None
    if published == pins:
        reason = _withdraw(proposal, candidate)
        drop_candidate(repository.root, repository.where, candidate)
        return Publication("unchanged", reason, base)
    if offered == pins and is_current(repository.layout, candidate, base):
        return _keep_proposed(proposal, candidate, base)
    return None


def _withdraw(proposal: Proposal, candidate: str) -> str:
    """Close the candidate's pull request if it is open; the reason, for people."""
    reason = f"upstream has taken back what {CANDIDATE_BRANCH} offered"
    pull = proposal.find(candidate)
    if pull is None or pull.state != "open":
        return reason
    proposal.close(pull.number, "Upstream is again what the published version was built from.")
    return f"{reason}; pull request #{pull.number} was closed"


def _keep_proposed(proposal: Proposal, candidate: str, base: str) -> Publication:
    """Leave the candidate as it is, and open its pull request if an earlier run could not."""
    pull = proposal.find(candidate)
    if pull is not None:
        what = "has what upstream has" if pull.state == "open" else "was closed, and upstream has nothing else"
        reason = f"the candidate of pull request #{pull.number} {what}"
        return Publication("unchanged", reason, base, pull_request=pull.number)
    title, _, body = call_git(proposal.root, "log", "-1", "--format=%B", candidate).partition("\n\n")
    number = proposal.write(title, body)
    reason = f"{title} ({CANDIDATE_BRANCH}), pull request #{number}"
    return Publication("proposed", reason, base, candidate, CANDIDATE_BRANCH, None, number)


def _find_same(repository: _Repository, refs: Refs, commit: str) -> str | None:
    """The name of the published version or open candidate that has the same tables as `commit`; None if neither has."""
    tables = read_tables(repository.layout, commit)
    if read_tables(repository.layout, refs.base) == tables:
        return refs.base[:12]
    if refs.candidate is None or not is_current(repository.layout, refs.candidate, refs.base):
        return None
    return CANDIDATE_BRANCH if read_tables(repository.layout, refs.candidate) == tables else None


def _list_needed(
    repository: _Repository, published: Params, candidate: str | None, pins: dict[str, tuple[str, str]]
) -> set[str]:
    """The sha256s that the published version, the open candidate, the workspace and the next look may ask for."""
    versions = [published, read_params(repository.layout.params_file)]
    if candidate is not None:
        versions.append(read_params_at(repository.root, candidate))
    pinned = {source.sha256 for params in versions for _, source in named_sources(params.source) if source.sha256}
    return pinned | {new for _, new in pins.values()}


def _read_pins(root: Path, commit: str, names: dict[str, str]) -> dict[str, str | None]:
    source = read_params_at(root, commit).source
    return {name: getattr(source, name).sha256 for name in names}


def _build(repository: _Repository, base: str, moved: dict[str, str]) -> _Candidate:
    """Build upstream's new bytes on top of `base`, in a temporary work tree, and commit the result there."""
    with shared_worktree(repository.root, base, prefix=WORKTREE_PREFIX) as tree:
        candidate = repository_layout(tree)
        replace_text(candidate.params_file, {("source", name, "sha256"): pin for name, pin in moved.items()})
        stages = run_in_worktree(tree)
        verify_version(Version(candidate))
        comparison = compare(repository.root, base, str(tree), rebuild=True, head_name="candidate", is_own=True)
        return _Candidate(_commit(candidate, comparison.document), stages, load_summary(tree), comparison)


def _commit(candidate: Layout, document: DiffDocument) -> str:
    """Commit the pins, the lock and the reports; the id of the commit."""
    root = candidate.root
    paths = [PARAMS_FILE, LOCK_FILE, *candidate.reports]
    call_git(root, "add", "--update", "--", ".")  # also what the run wrote anew, as tagpipe.version
    call_git(root, "add", "--force", "--", *paths)
    call_git(
        root, "commit", "--quiet", "--cleanup=whitespace", "--file=-", stdin=commit_message(document), identity=True
    )
    return call_git(root, "rev-parse", "HEAD")

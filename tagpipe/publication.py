"""Follow upstream: build a candidate beside the published version, judge it, and publish it by one ref update, or not.

The user's workspace and HEAD are never touched: everything happens in detached work trees, and the last step is one
update of one ref, so whoever reads the published branch sees the old version or the new one, whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tagpipe.api import load_summary
from tagpipe.comparison import Comparison, compare
from tagpipe.core.document import DiffDocument
from tagpipe.core.summary import Summary
from tagpipe.errors import Busy, ConfigError, IntegrityError, SourceUnavailable, escape_shown
from tagpipe.io.files import read_json
from tagpipe.io.git import GitFailed, ask_git, call_git, clear_worktrees, find_commit
from tagpipe.io.layout import PARAMS_FILE, Layout, project_layout
from tagpipe.io.lock import hold_run_lock
from tagpipe.io.pull_requests import open_pull_request
from tagpipe.io.rebuild import run_there, shared_worktree
from tagpipe.io.repro import LOCK_FILE, StageRun
from tagpipe.io.store import has_remote, pull_data, push_data
from tagpipe.io.upstream import look_upstream
from tagpipe.io.versions import Version, verify_version
from tagpipe.io.yaml_file import parse_yaml, read_params, replace_text
from tagpipe.params import Params, PublishParams, parse_params
from tagpipe.render.diff_markdown import markdown_diff

LOCAL_BRANCH = "dataset"
CANDIDATE_BRANCH = "refresh/upstream"
REFUSED = "refused"
MAX_MOVES = 3
"""How often a branch may move while a candidate is built on it, before the run gives up."""

_PREFIX = "tagpipe-publish-"
_MAX_SUBJECT = 72


@dataclass(frozen=True)
class Publication:
    """What became of a look upstream.

    outcome: unchanged (upstream has nothing new, or nothing that the open candidate has not), published (one ref was
    updated), or refused (a gate failed; the candidate is kept on `ref`). reason: one line for people. commit, ref,
    content_sha256: of the candidate, None where there is none. pull_request: its number, None unless `to` is
    pull-request. stages: what DVC did to build the candidate; empty where none was built. summary: of the candidate.
    document: the comparison with the published version.
    """

    outcome: Literal["unchanged", "published", "refused"]
    reason: str
    commit: str | None = None
    ref: str | None = None
    content_sha256: str | None = None
    pull_request: int | None = None
    stages: tuple[StageRun, ...] = ()
    summary: Summary | None = None
    document: DiffDocument | None = None


class _Moved(Exception):
    """The published branch is no longer where the candidate began."""


def publish(root: Path) -> Publication:
    """Look upstream and publish what has changed, as params.yaml `publish` says. Workspace and HEAD stay as they are.

    Raises Busy, SourceUnavailable, InputError, GuardError, IntegrityError or ConfigError; the published version is then
    what it was.
    """
    layout = project_layout(root)
    where = read_params(layout.params_file).publish
    with hold_run_lock(layout.scratch, command="tagpipe publish"):
        clear_worktrees(root, _PREFIX)
        for _ in range(MAX_MOVES):
            try:
                return _publish_once(layout, where)
            except _Moved:
                continue
    raise Busy(
        f"the branch moved {MAX_MOVES} times while a candidate was built on it", file=where.branch, fix="Run it again"
    )


def _publish_once(layout: Layout, where: PublishParams) -> Publication:
    base = _find_published(layout.root, where)
    params = _read_params_at(layout.root, base)
    pins = look_upstream(layout, params)
    moved = {name: new for name, (old, new) in pins.items() if old != new}
    if not moved:
        return Publication("unchanged", f"upstream has nothing that {base[:12]} has not")
    if _has_pins(_find_candidate(layout.root, where), layout.root, pins):
        return Publication("unchanged", f"the open candidate on {CANDIDATE_BRANCH} has what upstream has")
    with shared_worktree(layout.root, base, prefix=_PREFIX) as tree:
        candidate = project_layout(tree)
        replace_text(candidate.params_file, {("source", name, "sha256"): pin for name, pin in moved.items()})
        stages = run_there(tree)
        verify_version(Version(candidate))
        found = compare(layout.root, base, str(tree), rebuild=True, head_name="candidate")
        commit = _commit(candidate, found)
        summary = load_summary(tree)
    decided = _decide(layout, where, base, commit, found)
    return replace(decided, stages=stages, summary=summary, document=found.document)


def _decide(layout: Layout, where: PublishParams, base: str, commit: str, found: Comparison) -> Publication:
    document = found.document
    digest = document.head.content_sha256
    if not found.passed:
        ref = _keep_refused(layout.root, where, commit, digest)
        failed = ", ".join(gate.name for gate in document.gates if not gate.passed)
        return Publication("refused", f"gates failed: {failed}; kept on {ref}", commit, ref, digest)
    _share_data(layout, where, commit)
    ref, number = _update_ref(layout.root, where, base, commit, document)
    return Publication("published", f"{describe_change(document)} ({ref})", commit, ref, digest, number)


# --- where the published version is ----------------------------------------------------------------------------------


def _find_published(root: Path, where: PublishParams) -> str:
    """The commit that is published now. Raises SourceUnavailable or ConfigError."""
    if where.to == "local":
        commit = find_commit(root, f"refs/heads/{LOCAL_BRANCH}") or find_commit(root, "HEAD")
        if commit is None:
            raise ConfigError("there is no version to begin from", file=str(root), fix="Commit a first one")
        _refuse_checked_out(root)
        return commit
    refs = [f"+refs/heads/{where.branch}:refs/remotes/{where.remote}/{where.branch}"]
    if where.to == "pull-request" and _is_on_remote(root, where, CANDIDATE_BRANCH):
        refs.append(f"+refs/heads/{CANDIDATE_BRANCH}:refs/remotes/{where.remote}/{CANDIDATE_BRANCH}")
    try:
        call_git(root, "fetch", "--quiet", "--no-tags", where.remote, *refs)
    except GitFailed as error:
        raise SourceUnavailable(
            f"the git remote cannot be fetched: {error}", file=where.remote, fix="Check the remote, or try again later"
        ) from None
    commit = find_commit(root, f"refs/remotes/{where.remote}/{where.branch}")
    if commit is None:
        raise ConfigError("the remote has no such branch", field="publish.branch", found=where.branch)
    return commit


def _is_on_remote(root: Path, where: PublishParams, branch: str) -> bool:
    return bool(ask_git(root, "ls-remote", "--heads", where.remote, f"refs/heads/{branch}"))


def _find_candidate(root: Path, where: PublishParams) -> str | None:
    """The commit of the open candidate, if it is for a pull request and the remote has one."""
    if where.to != "pull-request" or not _is_on_remote(root, where, CANDIDATE_BRANCH):
        return None
    return find_commit(root, f"refs/remotes/{where.remote}/{CANDIDATE_BRANCH}")


def _has_pins(commit: str | None, root: Path, pins: dict[str, tuple[str, str]]) -> bool:
    if commit is None:
        return False
    source = _read_params_at(root, commit).source
    return all(getattr(source, name).sha256 == new for name, (_, new) in pins.items())


def _read_params_at(root: Path, commit: str) -> Params:
    text = ask_git(root, "show", f"{commit}:./{PARAMS_FILE}")
    if text is None:
        raise ConfigError("the published version has no params.yaml", file=f"revision {commit[:12]}")
    return parse_params(parse_yaml(text.encode("utf-8"), file=PARAMS_FILE))


def _refuse_checked_out(root: Path) -> None:
    """A ref update under a checked-out branch would make all of it look like edits."""
    listed = ask_git(root, "worktree", "list", "--porcelain") or ""
    if f"branch refs/heads/{LOCAL_BRANCH}" in listed.splitlines():
        raise ConfigError(
            "is checked out, and publishing would move it under the work tree",
            file=f"branch {LOCAL_BRANCH}",
            fix="Check another branch out, or look at it in a detached work tree",
        )


# --- the candidate ---------------------------------------------------------------------------------------------------


def _commit(candidate: Layout, found: Comparison) -> str:
    """One commit of the pins, the lock and the reports; its id."""
    root = candidate.root
    document = found.document
    message = f"{describe_change(document)}\n\n{markdown_diff(document)}"
    paths = [PARAMS_FILE, LOCK_FILE, *candidate.reports]
    call_git(root, "add", "--update", "--", ".")
    call_git(root, "add", "--force", "--", *paths)
    call_git(root, "commit", "--quiet", "--cleanup=whitespace", "--file=-", text=message, identity=True)
    return call_git(root, "rev-parse", "HEAD")


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


def _keep_refused(root: Path, where: PublishParams, commit: str, digest: str) -> str:
    """The branch that keeps a refused candidate; one for each digest, on the remote too if there is one."""
    known = ask_git(root, "for-each-ref", "--format=%(refname:short)", f"refs/heads/{REFUSED}") or ""
    same = [name for name in known.splitlines() if name.endswith(f"-{digest[:12]}")]
    ref = same[0] if same else f"{REFUSED}/{datetime.now(UTC):%Y-%m-%d}-{digest[:12]}"
    if not same:
        call_git(root, "update-ref", f"refs/heads/{ref}", commit)
    if where.to != "local" and not _is_on_remote(root, where, ref):
        _push(root, where, f"refs/heads/{ref}:refs/heads/{ref}")
    return ref


# --- publishing ------------------------------------------------------------------------------------------------------


def _share_data(layout: Layout, where: PublishParams, commit: str) -> None:
    """Push the data, and see that a clean clone can pull it bit-exact. Raises ConfigError, SourceUnavailable or
    IntegrityError; nothing has been published then."""
    if not has_remote(layout.root):
        if where.to == "local":
            return
        raise ConfigError(
            "there is no DVC remote, so nobody else could read the version",
            field="publish.to",
            found=where.to,
            fix="Add one with `dvc remote add -d NAME URL`, or publish to local",
        )
    with shared_worktree(layout.root, commit, prefix=_PREFIX) as tree:
        push_data(tree)
    with shared_worktree(layout.root, commit, prefix=_PREFIX, has_cache=False) as clean:
        pull_data(clean)
        version = Version(project_layout(clean))
        verify_version(version)
        recorded = json.loads(call_git(clean, "show", f"HEAD:./{version.path_of('threshold', 'threshold.json')}"))
        manifest = read_json(version.layout.out("threshold", "manifest.json"))
        if manifest["content_sha256"] != recorded["content_sha256"]:
            raise IntegrityError(
                "what a clean clone pulls is not what was built", file="the DVC remote", fix="Run `tagpipe verify`"
            )


def _update_ref(
    root: Path, where: PublishParams, base: str, commit: str, document: DiffDocument
) -> tuple[str, int | None]:
    """The one step that publishes: (ref, number of the pull request). Raises _Moved where somebody was quicker."""
    if where.to == "local":
        _refuse_checked_out(root)
        old = find_commit(root, f"refs/heads/{LOCAL_BRANCH}") or "0" * 40
        try:
            call_git(root, "update-ref", f"refs/heads/{LOCAL_BRANCH}", commit, old)
        except GitFailed:
            raise _Moved from None
        return LOCAL_BRANCH, None
    if where.to == "branch":
        try:
            _push(root, where, f"{commit}:refs/heads/{where.branch}")
        except SourceUnavailable:
            if _find_published(root, where) != base:
                raise _Moved from None
            raise
        return where.branch, None
    expected = _find_candidate(root, where) or ""
    _push(root, where, f"{commit}:refs/heads/{CANDIDATE_BRANCH}", f"--force-with-lease={CANDIDATE_BRANCH}:{expected}")
    number = open_pull_request(
        root,
        where.remote,
        head=CANDIDATE_BRANCH,
        base=where.branch,
        title=describe_change(document),
        body=markdown_diff(document),
    )
    return CANDIDATE_BRANCH, number


def _push(root: Path, where: PublishParams, refspec: str, *options: str) -> None:
    try:
        call_git(root, "push", "--quiet", *options, where.remote, refspec, identity=True)
    except GitFailed as error:
        raise SourceUnavailable(
            f"the push was refused: {escape_shown(str(error))[1:-1]}",
            file=where.remote,
            fix="Look at what the remote allows, or try again later",
        ) from None

"""The check-up of git."""

from __future__ import annotations

from collections.abc import Iterator

from tagpipe.checks.check_results import CheckResult
from tagpipe.io.git.commits import find_commit
from tagpipe.io.git.worktree import list_worktrees
from tagpipe.io.repository.dvc_lock import LOCK_FILE
from tagpipe.io.repository.ignore_files import ignored_outputs
from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.programs import ask_git, find_git


def check_git(layout: Layout) -> Iterator[CheckResult]:
    """Check that there is a whole clone, and a name to commit with. Raises ConfigError if git is not installed."""
    find_git()
    if ask_git(layout.root, "rev-parse", "--show-toplevel") is None:
        yield CheckResult("git", "error", "the folder is in no git repository", "Run `git init` and commit it")
        return
    find_commit(layout.root, "HEAD")  # raises if the commit is damaged
    # Without this setting git invents an identity from the names of user and machine.
    if ask_git(layout.root, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT") is None:
        fix = "Run `git config user.name NAME` and `git config user.email ADDRESS`"
        yield CheckResult("git", "warning", "has no identity to commit with", fix)
    if ask_git(layout.root, "rev-parse", "--is-shallow-repository") == "true":
        what = "the clone is shallow: older versions and the merge base are not in it"
        yield CheckResult("git", "warning", what, "Run `git fetch --unshallow`")
    else:
        yield CheckResult("git", "ok", "a whole clone")


def check_ignored(layout: Layout) -> Iterator[CheckResult]:
    """Check that DVC's outputs are not in git.

    DVC writes a .gitignore only when a stage succeeds; without it, `git add -A` takes the data itself.
    """
    outs = [path for stage in layout.stages.values() for path, is_cached in stage.outs if is_cached]
    files = ignored_outputs(layout)
    missing = [file for file in files if ask_git(layout.root, "ls-files", "--error-unmatch", "--", file) is None]
    tracked = ask_git(layout.root, "ls-files", "--", *outs)
    if tracked:
        what = f"git has {tracked.splitlines()[0]}, which is DVC's"
        yield CheckResult("data in git", "error", what, "Run `git rm -r --cached` on it, and commit")
    if missing:
        fix = f"Run `tagpipe run`, then `git add {' '.join(missing)}` and commit"
        yield CheckResult("data in git", "warning", f"not committed: {', '.join(missing)}", fix)
    elif not tracked:
        yield CheckResult("data in git", "ok", f"kept out by {len(files)} committed .gitignore files")


def check_line_endings(layout: Layout) -> Iterator[CheckResult]:
    """Check that git leaves the bytes of what DVC hashes as they are."""
    deps = {path for stage in layout.stages.values() for path in stage.deps}
    outs = {path for stage in layout.stages.values() for path, _ in stage.outs}
    hashed = [*sorted((deps - outs) | set(layout.reports)), LOCK_FILE]
    # INDEX WORKTREE ATTRIBUTES, a tab, and the path
    lines = (ask_git(layout.root, "ls-files", "--eol", "--", *hashed) or "").splitlines()
    files = [(attributes.split(), path) for attributes, _, path in (line.partition("\t") for line in lines)]
    changed = [path for (index, tree, *_), path in files if index[2:] != tree[2:]]
    loose = sorted({path.rpartition("/")[0] or path for (*_, attribute), path in files if attribute != "attr/-text"})
    fix = "Add `PATH/** -text` for each folder to .gitattributes, `git add --renormalize .`, and commit"
    if changed:
        what = f"git has other line endings than the work tree, which DVC hashes: {', '.join(changed[:3])}"
        yield CheckResult("line endings", "error", what, fix)
    elif loose:
        what = f"git may rewrite those of {', '.join(loose[:3])}, which are hashed, where core.autocrlf is set"
        yield CheckResult("line endings", "warning", what, fix)
    else:
        yield CheckResult("line endings", "ok", "what is hashed keeps its bytes")


def check_worktrees(layout: Layout) -> Iterator[CheckResult]:
    """Check that git lists no work tree whose folder is gone."""
    gone = [tree["worktree"] for tree in list_worktrees(layout.root) if "prunable" in tree]
    if gone:
        what = f"{len(gone)} whose folder is gone, such as {gone[0]}"
        yield CheckResult("work trees", "warning", what, "Run `git worktree prune`")
    else:
        yield CheckResult("work trees", "ok", "none is left over")

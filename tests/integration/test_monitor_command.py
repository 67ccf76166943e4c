"""`tagpipe monitor` and the flow's page: of the workspace, along the versions in git, and where there is no report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.processes import git

from tagpipe.io.repository.layout import packaged_file
from tagpipe.io.versions.history import read_monitored
from tagpipe.tables.reports.monitor import Candidate, FadingTag, MonitorReport, Period, UseCounts

HOSTILE = "</td><script>alert(1)</script>|\x1b[31m@user\u202e"


def candidate(tag: str, n_projects: int, *reasons: str) -> Candidate:
    dated = "no_dates" not in reasons
    return Candidate(
        tag=tag,
        n_projects=n_projects,
        prevalence=0.1,
        prevalence_low=0.05,
        prevalence_high=0.2,
        first_seen="2020-01-01" if dated else None,
        last_seen="2020-03-01" if dated else None,
        n_periods=3 if dated else None,
        n_days=11 if dated else None,
        concentration=0.25 if dated else None,
        busiest_on="2020-02-01" if dated else None,
        trend_p=0.01 if dated else None,
        trend_q=0.0001 if dated else None,
        burst_p=0.5 if dated else None,
        burst_q=0.5 if dated else None,
        nearest="bart" if tag == "bert" else None,
        nearest_score=75.0 if tag == "bert" else None,
        would_keep=not reasons,
        n_first_tag=2,
        suggested=not reasons,
        reasons=reasons,
    )


def use_counts(n_uses: int) -> UseCounts:
    return UseCounts(
        n_uses=n_uses,
        n_out_of_vocabulary=n_uses // 2,
        n_ignored=n_uses // 5,
        out_of_vocabulary_share=0.5,
        out_of_vocabulary_share_after_ignore=0.375,
    )


def period(name: str, n_new_forms: int | None, new_form_share: float | None) -> Period:
    return Period(
        period=name,
        n_projects=50,
        uses=use_counts(20),
        n_forms=9,
        n_new_forms=n_new_forms,
        new_form_share=new_form_share,
        n_single_forms=3,
        unseen_mass=0.1875,
    )


THEANO = FadingTag(
    tag="theano",
    n_projects=9,
    first_seen="2020-01-01",
    last_seen="2020-02-01",
    n_periods=2,
    fade_p=0.0001,
    fade_q=0.001,
    is_kept=True,
)
FOUND = MonitorReport(
    n_projects=100,
    n_undated=0,
    min_projects=12,
    uses=use_counts(40),
    n_forms=30,
    n_ignored_forms=3,
    n_candidates=4,
    n_left_out=1,
    n_suggested=1,
    periods=(period("2020-01", None, None), period("2020-02..2020-03", 2, 0.222222)),
    candidates=(
        candidate("bert", 20),
        candidate(HOSTILE, 12, "few_periods", "concentrated"),
        candidate("few", 5, "few_projects"),
    ),
    fading=(THEANO,),
    never_used=("speech",),
)
DATELESS = FOUND.model_copy(
    update={
        "n_undated": 100,
        "n_suggested": 0,
        "periods": (),
        "candidates": (candidate("bert", 15, "no_dates"),),
        "fading": (),
    }
)


def commit(root: Path, report: str | None) -> str:
    """One version more, with this monitor.json (none: without one)."""
    path = root / "data/reports/monitor.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if report is not None:
        path.write_text(report, encoding="utf-8")
    lock = root / "dvc.lock"
    lock.write_text((lock.read_text() if lock.is_file() else "") + "# one more\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "version")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a history that nobody has built: the command reads nothing but reports."""
    (tmp_path / "dvc.yaml").write_bytes(packaged_file("dvc.yaml").read_bytes())
    git(tmp_path, "init", "-q")
    return tmp_path


def dump(found: MonitorReport) -> str:
    return json.dumps(found.as_dict())


def test_the_report_of_the_workspace_is_shown(root: Path, tagpipe: Any) -> None:
    commit(root, dump(FOUND))
    ended = tagpipe("monitor", "--dir", root, "--most", 2)
    assert ended.exit_code == 0
    assert "\x1b" not in ended.stdout
    assert "\u202e" not in ended.stdout
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert lines[:3] == [
        "100 projects, with 40 tag uses",
        "outside the vocabulary: 30 forms, 50.0 % of the uses; without the ignored ones 37.5 %",
        "4 candidates, 1 suggested to be added (at least 12 projects)",
    ]
    assert "2020-02..2020-03 50 50.0 % 37.5 % 22.2 % 18.8 %" in lines
    assert "bert 20 3 11 25.0 % <0.001 0.500 2 bart 75 suggested" in lines
    assert any(line.endswith("too few periods, most on one day") for line in lines)
    assert "... and 2 more candidates" in lines
    assert lines[-2:] == ["fading in the vocabulary: theano (q 0.001)", "never used: speech"]


def test_candidates_of_the_vocabulary_are_shown_in_the_same_way(
    root: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(root, dump(FOUND))
    (root / "params.yaml").write_bytes(packaged_file("params.yaml").read_bytes())
    (root / "data/source").mkdir()
    (root / "data/source/vocabulary.json").write_text('{"bart": {}}')
    monkeypatch.chdir(root)
    shown = " ".join(tagpipe("vocab", "candidates", "--most", 1).stdout.split())
    assert "+ bert 20 11 25.0 % 2020-01-01 2020-03-01 yes bart" in shown
    assert "1 of 4 candidates; + marks the 1 " in shown


def test_json_is_the_report_with_so_many_candidates(root: Path, tagpipe: Any) -> None:
    commit(root, dump(FOUND))
    tree = json.loads(tagpipe("monitor", "--dir", root, "--json", "--most", 1).stdout)
    assert tree == json.loads(dump(FOUND.model_copy(update={"candidates": FOUND.candidates[:1]})))


def test_without_dates_there_are_dashes(root: Path, tagpipe: Any) -> None:
    commit(root, dump(DATELESS))
    shown = tagpipe("monitor", "--dir", root).stdout
    assert "100 projects, 100 without a date, with 40 tag uses" in shown
    assert "bert 15 - - - - - 2 bart 75 no dates" in " ".join(shown.split())
    assert "period  " not in shown


@pytest.mark.parametrize(
    ("report", "said"),
    [(None, "has not been built here"), ("{", "not JSON"), ("[]", "is not what tagpipe writes"), ("{}", "n_projects")],
)
def test_a_report_that_is_missing_or_damaged_is_named(root: Path, tagpipe: Any, report: str | None, said: str) -> None:
    commit(root, report)
    ended = tagpipe("monitor", "--dir", root)
    assert ended.exit_code == (3 if report is None else 7)
    assert "data/reports/monitor.json" in ended.stderr
    assert said in ended.stderr


def test_a_project_without_the_stage_says_so(root: Path, tagpipe: Any) -> None:
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text[: text.index("  monitor:\n")])
    commit(root, None)
    ended = tagpipe("monitor", "--dir", root)
    assert (ended.exit_code, "has no stage monitor" in ended.stderr) == (2, True)
    assert "0 of 1 versions have a report" in tagpipe("monitor", "--dir", root, "--history").stdout


def test_candidates_are_followed_along_the_history(root: Path, tagpipe: Any) -> None:
    reports = [None, dump(DATELESS), "damaged", dump(FOUND)]
    commits = [commit(root, report) for report in reports]
    ended = tagpipe("monitor", "--dir", root, "--history")
    assert ended.exit_code == 0
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert lines[0] == "2 of 4 versions have a report of the monitor"
    assert lines[1].startswith(f"from {commits[1][:9]} (")
    assert "bert ▆█ 15 20" in lines
    assert "few ·█ - 5" in lines
    assert "\x1b" not in ended.stdout
    tree = json.loads(tagpipe("monitor", "--dir", root, "--history", "--json", "--most", 2).stdout)
    assert [version["commit"] for version in tree["versions"]] == [commits[1], commits[3]]
    assert tree["candidates"][0] == {"tag": "bert", "n_projects": [15, 20]}
    assert tree["candidates"][1] == {"tag": HOSTILE, "n_projects": [None, 12]}


def test_a_history_without_versions_is_an_error(root: Path, tagpipe: Any) -> None:
    ended = tagpipe("monitor", "--dir", root, "--history")
    assert (ended.exit_code, "dvc.lock" in ended.stderr or "revision" in ended.stderr) == (3, True)


def test_a_build_folder_has_no_report(tmp_path: Path, tagpipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.json").write_text('[{"id": 1, "title": "t", "tags": ["a"]}]')
    Path("v.json").write_text('{"a": {}}')
    assert tagpipe("build", "--projects", "p.json", "--vocabulary", "v.json", "--out", "out").exit_code == 0
    assert not Path("out/reports/monitor.json").exists()
    ended = tagpipe("monitor", "--dir", "out")
    assert (ended.exit_code, "`tagpipe build` writes the dataset alone" in ended.stderr) == (2, True)


Artifacts = dict[str, Any]


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> Artifacts:
    """What the flow would leave in Prefect, by key."""
    import flows.monitor

    left: Artifacts = {}

    def keep(field: str) -> Callable[..., None]:
        return lambda *, key, description, **fields: left.update({key: fields[field]})

    monkeypatch.setattr(flows.monitor, "create_markdown_artifact", keep("markdown"))
    monkeypatch.setattr(flows.monitor, "create_table_artifact", keep("table"))
    return left


def test_the_flow_shows_the_published_versions_candidates(root: Path, artifacts: Artifacts) -> None:
    from flows.monitor import write_new_tags

    first, second = commit(root, None), commit(root, dump(FOUND))
    write_new_tags(read_monitored(root, second, n_most=1)[-1].report, second)
    page, table = artifacts["tagpipe-new-tags"], artifacts["tagpipe-new-tag-candidates"]
    assert "| `bert` | 20 | 3 | 11 | 25.0 % | <0.001 | 0.500 | 2 | suggested |" in page
    assert "<script>" not in page.replace("`</td><script>", "")
    assert "\x1b" not in page
    assert "Fading in the vocabulary: `theano`" in page
    assert [row["suggested"] for row in table] == [
        "suggested",
        "too few periods, most on one day",
        "too few projects",
    ]
    assert all("\x1b" not in row["tag"] for row in table)
    artifacts.clear()
    write_new_tags(read_monitored(root, first, n_most=1)[-1].report, first)
    assert list(artifacts) == ["tagpipe-new-tags"]
    assert f"`{first[:12]}`" in artifacts["tagpipe-new-tags"]

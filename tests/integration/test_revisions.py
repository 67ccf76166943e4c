"""`tagpipe.load(path, rev=...)`: a version at a git revision, its data from DVC's cache or remote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.in_process import build, dvc
from support.processes import OPENS_REVISIONS, commit, git

import tagpipe
from tagpipe.errors import ConfigError, InputError, SourceUnavailable
from tagpipe.operations.init_repository import init_repository

pytestmark = OPENS_REVISIONS


@dataclass(frozen=True)
class Versions:
    """A project with two committed versions, `min_projects` 12 (tagged v1) and 13, and a bare clone of it.

    Its DVC remote is a folder, which holds the data of both. digests: content_sha256, the older one first.
    """

    root: Path
    bare: Path
    digests: tuple[str, str]

    @property
    def address(self) -> str:
        return f"file://{self.bare}"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    folder = tmp_path_factory.mktemp("revisions")
    root = folder / "project"
    init_repository(root)
    dvc(root, "remote", "add", "-q", "-d", "storage", str(folder / "storage"))
    first = build_and_commit(root)
    git(root, "tag", "v1")
    params = root / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("min_projects: 12", "min_projects: 13"), "utf-8")
    second = build_and_commit(root)
    git(folder, "clone", "-q", "--bare", str(root), str(folder / "bare.git"))
    assert first != second
    return Versions(root, folder / "bare.git", (first, second))


def build_and_commit(root: Path) -> str:
    """Build, push and commit the version; its content_sha256."""
    build(root)
    dvc(root, "push", "-q")
    commit(root, "a version")
    return tagpipe.load(root).content_sha256


@pytest.fixture
def without_data(versions: Versions, tmp_path: Path) -> Path:
    """A clone that has neither the data nor a remote to ask for it."""
    git(tmp_path, "clone", "-q", str(versions.bare), "clone")
    root = tmp_path / "clone"
    dvc(root, "remote", "remove", "-q", "storage")
    git(root, "commit", "-qam", "no remote")
    return root


@pytest.mark.parametrize(("revision", "number"), [("HEAD", 1), ("HEAD~1", 0), ("v1", 0)])
def test_version_at_a_revision_of_a_folder(revision: str, number: int, versions: Versions) -> None:
    found = tagpipe.load(versions.root, rev=revision)
    assert found.content_sha256 == versions.digests[number]
    assert found.manifest.params.threshold.min_projects == 12 + number
    assert found.tags["kept"].sum() == len(found.tag_names)


@pytest.mark.parametrize(("revision", "number"), [(None, 1), ("HEAD", 1), ("v1", 0)])
def test_version_at_a_revision_of_an_address(revision: str | None, number: int, versions: Versions) -> None:
    found = tagpipe.load(versions.address, rev=revision)
    assert found.content_sha256 == versions.digests[number]
    assert len(found.projects) == len(tagpipe.load(versions.root, rev="v1" if number == 0 else "HEAD").projects)


def test_head_of_an_address_is_its_default_branch_whatever_was_read_before(versions: Versions, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(versions.root), "other.git")
    address = f"file://{tmp_path}/other.git"
    found = [tagpipe.load(address, rev=revision).content_sha256 for revision in ("v1", "HEAD", "HEAD~1", None)]
    older, newer = versions.digests
    assert found == [older, newer, older, newer]


def test_data_comes_from_the_remote_where_the_cache_has_none(versions: Versions, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(versions.bare), "clone")
    assert not (tmp_path / "clone/.dvc/cache").exists()
    assert tagpipe.load(tmp_path / "clone", rev="HEAD~1").content_sha256 == versions.digests[0]


def test_data_that_is_nowhere_is_exit_3(without_data: Path) -> None:
    with pytest.raises(InputError, match="neither in the cache nor in a remote") as caught:
        tagpipe.load(without_data, rev="HEAD~1")
    assert caught.value.file == "data/labeled/manifest.json"
    assert "tagpipe run" in (caught.value.fix or "")


@pytest.mark.parametrize("where", ["folder", "address"])
def test_unknown_revision_is_exit_3(where: str, versions: Versions) -> None:
    root = str(versions.root) if where == "folder" else versions.address
    with pytest.raises(InputError, match='cannot be opened at revision "no-such-tag"') as caught:
        tagpipe.load(root, rev="no-such-tag")
    assert caught.value.file == root


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(SourceUnavailable) as caught:
        tagpipe.load("http://me:secret@127.0.0.1:9/data.git", rev="main")
    assert "secret" not in str(caught.value)
    assert caught.value.file == "http://***@127.0.0.1:9/data.git"


@pytest.mark.parametrize("address", ["file:///nowhere/data.git", "http://127.0.0.1:9/data.git"])
def test_unreachable_address_is_exit_5(address: str) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be cloned") as caught:
        tagpipe.load(address, rev="HEAD")
    assert caught.value.file == address
    assert "SCM error" not in caught.value.what
    assert "\n" not in caught.value.what


def test_path_that_is_no_folder_is_exit_2(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", write(tmp_path / "file")):
        with pytest.raises(ConfigError, match="is not a folder") as caught:
            tagpipe.load(path, rev="HEAD")
        assert caught.value.file == str(path)


def write(path: Path) -> Path:
    path.write_text("")
    return path


def test_folder_without_git_is_exit_3(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a git repository"):
        tagpipe.load(tmp_path, rev="HEAD")

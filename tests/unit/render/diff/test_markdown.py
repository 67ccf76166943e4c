"""The comment: what is always in it, and that it never grows too long."""

from __future__ import annotations

import pytest
from support.diff_samples import BASE, changed_document, document_of
from support.hostile import hostile_document, section, tag_row

from tagpipe.comparison.document import CutList, DiffDocument, TagRow
from tagpipe.comparison.gates import check_gate
from tagpipe.render.diff.markdown import DROPPED_FIRST, MARKER, MAX_BYTES, markdown_diff
from tagpipe.render.diff.sections import make_sections

OPEN = ("#### Causes", "#### Gates", "#### Tags that left the cut", "#### Tags that entered the cut")


def test_it_begins_with_the_marker_then_the_verdict() -> None:
    text = markdown_diff(document_of(BASE, BASE, gates=[check_gate("max_tags_leaving", limit=0, found=0)]))
    assert text.splitlines()[:3] == [MARKER, "", "### ✅ No difference"]
    text = markdown_diff(changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)]))
    assert text.splitlines()[2:5] == ["### ❌ Failed: 1 of 1 gate", "", "`max_tags_leaving` 2 (at most 0)"]


def test_what_decides_is_not_folded_away() -> None:
    text = markdown_diff(changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)]))
    before = text.partition("<details>")[0]
    assert [heading for heading in OPEN if heading not in before] == []
    assert "| `b` | 4 | 2 | -2 |" in before


def test_every_folded_section_can_be_dropped() -> None:
    folded = {section.key for section in make_sections(hostile_document(["x"])) if not section.is_open}
    assert folded == set(DROPPED_FIRST)


def wide_document(n: int, n_chars: int) -> DiffDocument:
    """n tags at the cut, of n_chars characters each of four bytes; as many as a document holds."""
    texts = [f"{at}{'😀' * n_chars}" for at in range(min(n, 1_000))]
    document = hostile_document(texts)
    tags = CutList[TagRow].model_validate({**section([tag_row(text) for text in texts]), "n": n})
    return document.model_copy(update=dict.fromkeys(("entered", "left", "near_cut", "tags"), tags))


@pytest.mark.parametrize(("n", "n_chars"), [(1, 1), (30, 10), (100, 40), (1_000, 80), (100_000, 10_000)])
def test_it_is_never_too_long_and_says_how_many_of_how_many(n: int, n_chars: int) -> None:
    text = markdown_diff(wide_document(n, n_chars))
    assert len(text.encode()) <= MAX_BYTES
    assert [heading for heading in OPEN if heading not in text] == []
    assert (f"Tags that entered the cut ({n:,})" if n == 1 else f" of {n:,})\n") in text


def test_sections_are_dropped_whole_the_least_important_first(monkeypatch: pytest.MonkeyPatch) -> None:
    document = wide_document(20, 3)
    whole = markdown_diff(document)
    monkeypatch.setattr("tagpipe.render.diff.markdown.MAX_BYTES", len(whole.encode()) - 1)
    less = markdown_diff(document)
    assert "Columns that differ" in whole
    assert "<summary>Columns that differ" not in less
    assert less.count("<details>") == whole.count("<details>") - 1 == less.count("</details>")
    assert f"Left out, for the comment would be too long: 1 of {whole.count('<details>')} tables (Columns" in less
    monkeypatch.setattr("tagpipe.render.diff.markdown.MAX_BYTES", 1)
    assert "<details>" not in markdown_diff(document), "only what is always visible is left"


def test_what_is_always_visible_fits_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    document = wide_document(100_000, 10_000)
    monkeypatch.setattr("tagpipe.render.diff.markdown.MAX_BYTES", 1)
    assert len(markdown_diff(document).encode()) < MAX_BYTES


def test_huge_numbers_do_not_make_it_long() -> None:
    document = changed_document()
    huge = dict.fromkeys(("n_projects", "n_labeled", "n_labels", "n_tags_kept"), 10**4200)
    side = document.base.model_copy(update=huge)
    text = markdown_diff(document.model_copy(update={"base": side, "head": side, "n_labels_added": 10**4200}))
    assert len(text) < 5_000


def test_the_same_document_gives_the_same_text() -> None:
    assert markdown_diff(changed_document()) == markdown_diff(changed_document())

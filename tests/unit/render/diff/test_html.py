"""The HTML page as a file; tests/e2e/test_diff_page.py opens it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from support.diff_samples import changed_document

from tagpipe.comparison.document import CutList
from tagpipe.comparison.gates import check_gate
from tagpipe.render.diff.html import embed_json, html_diff

DOCUMENT = changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)])


def data_of(page: str) -> Any:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


def test_the_policy_names_the_blocks_of_the_page_by_hash_and_nothing_else() -> None:
    page = html_diff(DOCUMENT)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    blocks = {"style-src": r"<style>(.*?)</style>", "script-src": r"<script>(.*?)</script>"}
    for name, pattern in blocks.items():
        (block,) = re.findall(pattern, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert rules == dict.fromkeys(["default-src", "img-src", "base-uri", "form-action"], "'none'")


def test_the_page_has_no_address_and_no_inline_handler() -> None:
    page = html_diff(DOCUMENT)
    assert not re.search(
        r"https?:|//|\bsrc=|\bhref=|\son[a-z]+=|style=|innerHTML|insertAdjacent|document\.write|eval", _code(page)
    )


def _code(page: str) -> str:
    """Without comments of the script."""
    return re.sub(r"^\s*// .*$", "", page, flags=re.MULTILINE)


def test_repeated_texts_are_written_once() -> None:
    changes = data_of(html_diff(DOCUMENT))["changes"]
    assert changes["tags"] == ["a", "b", "c"]
    assert [project[0] for project in changes["projects"]] == ["1", "2", "3", "4"]
    assert len(changes["rows"]) == DOCUMENT.changes.n == 9


def test_a_cause_that_the_document_does_not_have_is_no_cause() -> None:
    rows = tuple(row.model_copy(update={"cause": 99}) for row in DOCUMENT.changes.rows)
    document = DOCUMENT.model_copy(update={"changes": DOCUMENT.changes.model_copy(update={"rows": rows})})
    assert {row[3] for row in data_of(html_diff(document))["changes"]["rows"]} == {-1}


def test_a_document_that_is_cut_says_of_how_many() -> None:
    changes = CutList(n=120_000, rows=DOCUMENT.changes.rows)
    data = data_of(html_diff(DOCUMENT.model_copy(update={"changes": changes})))["changes"]
    assert (data["n"], data["isCut"]) == ("120,000", True)


def test_embedded_json_cannot_end_its_block_and_comes_back_equal() -> None:
    tree = ["</script><!--<script>", "&amp;", "\u2028\u2029", "\x00", "😀"]
    text = embed_json(tree)
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.isascii()
    assert json.loads(text) == tree

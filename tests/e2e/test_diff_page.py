"""The HTML page of a comparison in a real browser: it asks for nothing, runs nothing of others, and its filters work.

Without Chromium these tests are skipped, saying so; under CI=true that is a failure.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.browser import FLAGS, find_browser
from support.hostile import STRINGS, hostile_document
from support.paths import REPO

from tagpipe.comparison.document import ChangeRow, CutList, DiffDocument
from tagpipe.render.diff.html import html_diff


@dataclass
class Opened:
    """A page, and everything that it did besides."""

    page: Any
    requests: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of all elements, in the order of the document."""
        found: list[str] = self.page.evaluate("[...document.querySelectorAll('*')].map((each) => each.localName)")
        return found

    @property
    def counted(self) -> str:
        found: str = self.page.locator("#n-changes").inner_text()
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: Any, folder: Path, document: DiffDocument, **options: Any) -> Opened:
    """The page of a document, from a file; all that a page may try is listened to from before it loads."""
    path = folder / "page.html"
    path.write_text(html_diff(document), encoding="utf-8")
    context = browser.new_context(**options)
    page = context.new_page()
    opened = Opened(page)
    page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.blockedURI))")
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("console", lambda message: opened.events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: opened.events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (opened.events.append("dialog"), dialog.dismiss()))
    context.on("page", lambda _: opened.events.append("another page"))
    page.goto(path.as_uri())
    page.wait_for_selector("#changes")
    return opened


def test_hostile_text_opens_without_a_request_a_dialog_an_error_or_an_element(browser: Any, tmp_path: Path) -> None:
    harmless = open_page(browser, tmp_path, hostile_document([f"x{at:04}" for at in range(len(STRINGS))]))
    wanted = harmless.names
    opened = open_page(browser, tmp_path, hostile_document(sorted(STRINGS, key=bool, reverse=True)))
    unfold_all(opened.page)
    assert opened.requests == [(tmp_path / "page.html").as_uri()]
    assert opened.events == harmless.events == []
    # The one empty text is said in our own words, and some are alike once they are cut: neither adds an element.
    assert set(opened.names) == set(wanted)
    assert not {"a", "img", "iframe", "svg", "object", "embed", "form", "link", "base"} & set(opened.names)
    for name in ("script", "style", "meta", "title", "table", "tr", "td", "section", "details", "button", "option"):
        assert opened.names.count(name) == wanted.count(name), name


def unfold_all(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


@pytest.mark.parametrize("at", range(0, len(STRINGS), 103))
def test_every_page_of_hostile_changes_shows_them_as_text(browser: Any, tmp_path: Path, at: int) -> None:
    texts = [text for text in STRINGS[at : at + 103] if text]
    opened = open_page(browser, tmp_path, hostile_document(texts))
    for _ in range(len(texts) // 25):
        opened.page.locator("#changes button", has_text="Next").click()
    opened.page.locator("#filter-tag").fill(texts[0][:20].replace("\x00", ""))
    assert len(opened.requests) == 1
    assert opened.events == []


def document_of_changes(n: int) -> DiffDocument:
    """n label changes on n / 2 projects, with 200 tags; the first cause has one in ten."""
    rows = tuple(
        ChangeRow(
            id=at // 2,
            title=f"Title number {at // 2}",
            tag=f"tag-{at % 200:03}",
            change="added" if at % 3 else "removed",
            cause=int(at % 10 > 0),
        )
        for at in range(n)
    )
    document = hostile_document(["one", "two"])
    return document.model_copy(update={"changes": CutList[ChangeRow](n=3 * n, rows=rows)})


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(browser, tmp_path_factory.mktemp("page"), document_of_changes(20_000))


def choose(opened: Opened, *, tag: str = "", cause: str = "", project: str = "") -> str:
    """The count after the filters were set."""
    opened.page.locator("#filter-tag").fill(tag)
    opened.page.locator("#filter-cause").select_option(cause)
    opened.page.locator("#filter-project").fill(project)
    return opened.counted.partition(" label changes")[0]


def test_filters_by_tag_cause_and_project_and_counts_what_is_left(opened: Opened) -> None:
    assert choose(opened) == "20,000 of 20,000"
    assert choose(opened, tag="TAG-007") == "100 of 20,000"
    assert choose(opened, tag="tag-00") == "1,000 of 20,000"
    assert choose(opened, cause="0") == "2,000 of 20,000"
    assert choose(opened, project="title number 9999") == "2 of 20,000"
    assert choose(opened, tag="tag-010", cause="0", project="title number 105") == "1 of 20,000"
    assert choose(opened, tag="nowhere") == "0 of 20,000"
    choose(opened, project="9999")
    rows = opened.page.locator("#changes tbody tr").all_inner_texts()
    assert [row.split("\t")[:3] for row in rows] == [
        ["9999", "Title number 9999", "- tag-198"],
        ["9999", "Title number 9999", "+ tag-199"],
    ]


def test_a_cut_document_says_of_how_many(opened: Opened) -> None:
    choose(opened)
    assert "in this page, which has the first of 60,000; the Parquet file has all" in opened.counted


def test_twenty_thousand_changes_are_drawn_a_page_at_a_time_and_filtered_at_once(opened: Opened) -> None:
    choose(opened)
    assert opened.page.locator("#changes tbody tr").count() == 25
    took_ms = opened.page.evaluate(
        """() => {
          const input = document.getElementById("filter-project");
          const began = performance.now();
          for (const text of ["1", "12", "123", "1234", "12345", ""]) {
            input.value = text;
            input.dispatchEvent(new Event("input"));
          }
          return performance.now() - began;
        }"""
    )
    assert took_ms < 6 * 100


def test_the_keyboard_is_enough(opened: Opened) -> None:
    choose(opened)
    page = opened.page
    page.locator("#filter-tag").focus()
    page.keyboard.type("tag-007")
    assert opened.counted.startswith("100 of 20,000")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.locator("#filter-cause").evaluate("(each) => each.selectedIndex") == 1
    page.locator("#filter-cause").select_option("")
    page.locator("#changes button", has_text="Next").focus()
    page.keyboard.press("Enter")
    assert "Rows 26 to 50 of 100" in page.locator("#changes").inner_text()
    page.locator("details summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("(each) => each.open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(browser: Any, tmp_path: Path, scheme: str) -> None:
    texts = ["recommendation-systems", "w" * 200]
    size = {"width": 360, "height": 700}
    opened = open_page(browser, tmp_path, hostile_document(texts), viewport=size, color_scheme=scheme)
    unfold_all(opened.page)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


def test_the_page_comes_with_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    import zipfile

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in ("page.js", "page.css"):
            assert archive.read(f"tagpipe/render/diff/{name}") == (REPO / "tagpipe/render/diff" / name).read_bytes()

"""Hostile text through every renderer of a comparison: it stays text, in its place, and leaves the rest as it is.

GitHub's own parser (cmark-gfm, with its extensions) reads the Markdown. The page that it makes of a hostile document
must be that of a harmless one in everything but what is inside of code.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from rich.console import Console
from support.hostile import STRINGS, hostile_document

from tagpipe.comparison.document import DiffDocument
from tagpipe.render.diff.html import html_diff
from tagpipe.render.diff.json import json_diff
from tagpipe.render.diff.markdown import MARKER, MAX_BYTES, markdown_diff
from tagpipe.render.diff.terminal import render_diff
from tagpipe.render.text import EMPTY, code_span, shorten, span_text

EXTENSIONS = ["table", "autolink", "strikethrough", "tagfilter", "tasklist"]
ELEMENTS = {"h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary"}
"""Everything that a comment is made of."""

WITH_TEXT = [text for text in STRINGS if text]
HARMLESS = hostile_document(["x"])


def render_as_github(markdown: str) -> str:
    """The HTML that GitHub's parser makes; raw HTML stays (GitHub's sanitizer comes later)."""
    html: str = cmarkgfm.markdown_to_html_with_extensions(markdown, Options.CMARK_OPT_UNSAFE, EXTENSIONS)
    return html


@dataclass
class Page:
    """Elements and text outside of code, in order, and the text of each code element."""

    skeleton: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    elements: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not self._in_code, f"<{tag}> in code"
        self.page.elements.add(tag)
        self.page.skeleton.append(f"<{tag} {attrs}>")
        if tag == "code":
            self._in_code = True
            self.page.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_code = self._in_code and tag != "code"
        self.page.skeleton.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.page.codes[-1] += data
        else:
            self.page.skeleton.append(data)

    def handle_comment(self, data: str) -> None:
        self.page.skeleton.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.page.skeleton.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.page.skeleton.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.page.skeleton.append(f"<![{data}]>")


def read_page(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def read_markdown(document: DiffDocument) -> Page:
    return read_page(render_as_github(markdown_diff(document)))


HARMLESS_PAGE = read_markdown(HARMLESS)


def test_there_are_enough_strings() -> None:
    assert len(STRINGS) > 500


def test_the_harmless_page_is_whole() -> None:
    assert HARMLESS_PAGE.elements == ELEMENTS
    assert len(HARMLESS_PAGE.codes) > 50
    assert HARMLESS_PAGE.skeleton[0] == MARKER


def test_in_markdown_hostile_text_is_in_code_and_nothing_else_changes() -> None:
    escaped = []
    for text in WITH_TEXT:
        page = read_markdown(hostile_document([text]))
        is_same = page.skeleton == HARMLESS_PAGE.skeleton and len(page.codes) == len(HARMLESS_PAGE.codes)
        if not is_same or span_text(text) not in page.codes:
            escaped.append(text[:80])
    assert escaped == []


def test_in_markdown_an_empty_text_is_said_to_be_empty() -> None:
    page = read_markdown(hostile_document(["", "y"]))
    assert page.elements == ELEMENTS
    assert any(EMPTY in part for part in page.skeleton)


@pytest.mark.parametrize("at", range(0, len(STRINGS), 40))
def test_in_markdown_many_hostile_texts_beside_each_other_stay_apart(at: int) -> None:
    """With many rows, how many of them fit depends on their lengths: the words outside of code are still our own."""
    texts = [text for text in STRINGS[at : at + 40] if text]
    page = read_markdown(hostile_document(texts))
    twin = read_markdown(hostile_document([f"x{place}" for place in range(len(texts))]))
    assert page.elements == ELEMENTS
    words = {part for part in twin.skeleton if not part.startswith("<")}
    numbers = re.compile(r"[0-9,]+ of [0-9,]+|[0-9]+ values")
    own = {numbers.sub("N", part) for part in words}
    strangers = [part for part in page.skeleton if not part.startswith("<") and numbers.sub("N", part) not in own]
    assert strangers == []


def test_every_table_of_the_markdown_has_as_many_cells_in_each_row() -> None:
    text = markdown_diff(hostile_document(WITH_TEXT))
    html = render_as_github(text)
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    assert len(tables) == len(re.findall(r"^\|(?:-+:?\|)+$", text, re.MULTILINE))
    for table in tables:
        widths = {len(re.findall("<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}
        assert len(widths) == 1
        assert "<td></td>\n<td></td>\n<td></td>" not in table, "a row without cells is filled up by the parser"
    # What the parser fills up or cuts off is not seen in its HTML: no row of ours may have more or fewer.
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()[:1] + block.splitlines()[2:]}) == 1


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 7, 100, len(WITH_TEXT)])
def test_markdown_is_never_too_long(count: int) -> None:
    for at in range(0, len(WITH_TEXT), count):
        text = markdown_diff(hostile_document(WITH_TEXT[at : at + count]))
        assert len(text.encode()) <= MAX_BYTES
        assert text.splitlines()[0] == MARKER


def test_a_code_span_is_one_code_element_with_the_shown_text() -> None:
    for text in WITH_TEXT:
        page = read_page(render_as_github(f"before {code_span(text)} behind"))
        assert page.codes == [span_text(text)]
        assert "".join(page.skeleton) == "<p []>before <code []></code> behind</p>\n"


@pytest.mark.parametrize(
    "text", ["@user", "#1", "https://example.org", "a | b", "<img src=x>", "*em*", "![i](https://example.org/i.png)"]
)
def test_the_reader_sees_what_gets_out_of_code(text: str) -> None:
    page = read_page(render_as_github(markdown_diff(HARMLESS).replace("| `x` |", f"| {text} |")))
    assert page.skeleton != HARMLESS_PAGE.skeleton


# Terminal


def print_on(document: DiffDocument, width: int, color_system: str | None) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=color_system, force_terminal=color_system is not None).print(  # type: ignore[arg-type]
        render_diff(document)
    )
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 200])
def test_a_terminal_gets_printable_text_alone(width: int) -> None:
    for at in range(0, len(STRINGS), 5):
        shown = print_on(hostile_document(STRINGS[at : at + 5]), width, None)
        assert all(line.isprintable() or not line for line in re.sub("[\u00a0\u2003\u3000]", " ", shown).split("\n"))


def test_a_terminal_gets_no_control_but_colours() -> None:
    for at in range(0, len(STRINGS), 5):
        shown = print_on(hostile_document(STRINGS[at : at + 5]), 120, "truecolor")
        assert "\x1b[" in shown
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert all(line.isprintable() or not line for line in re.sub("[\u00a0\u2003\u3000]", " ", plain).split("\n"))


def test_a_terminal_shows_no_markup_of_rich_as_markup() -> None:
    shown = print_on(hostile_document(["[red]x[/red]", "[link=https://example.org]y[/link]", ":smile:"]), 200, None)
    for text in ("[red]x[/red]", "[link=https://example.org]y[/link]", ":smile:"):
        assert text in shown


# JSON and the file of the HTML page; what a browser makes of it is tests/e2e/test_diff_page.py


def test_json_is_ascii_and_comes_back_equal() -> None:
    document = hostile_document(STRINGS)
    text = json_diff(document)
    assert text.isascii()
    assert DiffDocument.model_validate_json(text) == document


def test_the_html_file_differs_from_a_harmless_one_in_its_data_alone() -> None:
    page, twin = html_diff(hostile_document(STRINGS)), html_diff(hostile_document(["x"]))
    block = re.compile(r'(?<=<script type="application/json" id="data">)[^<]*(?=</script>)')
    assert block.sub("", page) == block.sub("", twin)
    (data,) = block.findall(page)
    assert not set(data) & set("<>&\u2028\u2029")
    assert data.isascii()
    shown = {json.dumps(row) for row in json.loads(data)["changes"]["projects"]}
    assert json.dumps([shorten("<script>alert(1)</script>", 200)] * 2) in shown

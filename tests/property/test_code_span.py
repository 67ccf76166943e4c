"""Any text at all in a code span, read back by GitHub's own parser."""

from __future__ import annotations

import html
import re

import cmarkgfm
from hypothesis import given
from hypothesis import strategies as st

from tagpipe.render.text import EMPTY, code_span, shorten, span_text, visible

EXTENSIONS = ["table", "autolink", "strikethrough", "tagfilter", "tasklist"]
TEXTS = st.one_of(st.text(), st.text(alphabet="`| \\\n<>@#a&;*_[]()!$~-"), st.text(alphabet="`", max_size=200))


def read(markdown: str) -> str:
    found: str = cmarkgfm.markdown_to_html_with_extensions(markdown, 0, EXTENSIONS)
    return found


@given(TEXTS.filter(bool))
def test_it_is_one_code_element_with_the_shown_text(text: str) -> None:
    found = re.fullmatch(r"<p>a <code>([^<]*)</code> b</p>\n", read(f"a {code_span(text)} b"))
    assert found
    assert html.unescape(found[1]) == span_text(text)


@given(TEXTS, TEXTS)
def test_two_stay_apart_in_the_cells_of_a_table(one: str, two: str) -> None:
    cells = [code_span(one), code_span(two)]
    page = read(f"| x | y |\n|---|---|\n| {cells[0]} | {cells[1]}, {cells[1]} |\n")
    found = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    wanted = [f"<code>{span_text(text)}</code>" if text else EMPTY for text in (one, two)]
    assert [html.unescape(cell) for cell in found] == [wanted[0], f"{wanted[1]}, {wanted[1]}"]


@given(TEXTS, st.integers(min_value=11, max_value=100))
def test_a_text_is_cut_without_breaking_an_escape(text: str, limit: int) -> None:
    shown = shorten(text, limit)
    assert len(shown) <= limit
    assert visible(shown) == shown
    if shown != visible(text):
        assert shown.endswith("…")
        assert any(visible(text[:at]) == shown[:-1] for at in range(len(text)))

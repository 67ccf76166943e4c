"""Public text made harmless, for terminals and for Markdown pages."""

from __future__ import annotations

import io
import unicodedata

import pytest
from markdown_it import MarkdownIt
from rich.console import Console, RenderableType
from support.samples import build_records, build_tags, project

from tagpipe.dataset.build import build_manifest
from tagpipe.dataset.explanation import explain_project
from tagpipe.dataset.summary import summarize
from tagpipe.render.explanation import render_explanation
from tagpipe.render.summary import markdown_summary, render_summary
from tagpipe.render.text import markdown_text, visible

HOSTILE = [
    "plain words",
    "*em* **strong** _em_ __strong__ ***both***",
    "~~gone~~ ~sub~",
    "`code` ``co`de``",
    "[text](https://example.org)",
    "![image](https://example.org/i.png)",
    "[text][ref] [ref]: https://example.org",
    "[ref]: https://example.org",
    "<https://example.org> <a@example.org>",
    "https://example.org www.example.org a@example.org",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- comment --> <?php ?> <![CDATA[x]]>",
    "&lt;b&gt; &amp; &#60;i&#62; &copy; &#x3c;",
    "a | b | c",
    "|---|---|",
    "\\| \\* \\\\ \\",
    "# heading",
    "heading #",
    "> quote",
    "- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "---",
    "***",
    "===",
    "```",
    "~~~python",
    "@user #1 org/repo#2 GH-3",
    "$x^2$ $$y$$",
    ":smile: [x] [ ]",
    "first\nsecond",
    "first\n\n# heading",
    "row\r\n|---|",
    "tab\there",
    "a  \nhard break",
    "a\u2028b\u2029c\u0085d",
    "\x1b[31mred\x1b[0m",
    "\u202eesrever \u2066isolate\u2069",
    "zero\u200bwidth \ufeffmark",
    "\x00null \x7f",
    "é 😀 中文",
    "[[wiki]] ^[note] [^1]",
    "{{ site.title }} {% include x %}",
]


def texts_of(markdown: str) -> tuple[str, set[str]]:
    """(all text, types of every token but paragraphs and table cells) as a Markdown reader sees it."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    text, kinds = "", set()
    for block in reader.parse(markdown):
        if block.type == "inline":
            for token in block.children or ():
                text += token.content
                kinds.add(token.type)
        elif not block.type.startswith(("paragraph_", "table_", "thead_", "tbody_", "tr_", "th_", "td_")):
            kinds.add(block.type)
    return text, kinds


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_shows_text_as_it_is_and_nothing_else(hostile: str) -> None:
    text, kinds = texts_of(markdown_text(hostile))
    assert kinds <= {"text", "text_special"}
    assert text == visible(hostile).strip(" ")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_text_stays_in_its_table_cell(hostile: str) -> None:
    page = f"| name | other |\n|---|---|\n| {markdown_text(hostile)} | end |\n\nbehind"
    text, kinds = texts_of(page)
    assert kinds <= {"text", "text_special"}
    assert text == f"nameother{visible(hostile).strip(' ')}endbehind"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_text_in_a_list_of_others(hostile: str) -> None:
    text, kinds = texts_of(f"most popular: {markdown_text(hostile)} 3, {markdown_text(hostile)} 2")
    assert kinds <= {"text", "text_special"}
    assert text == f"most popular: {visible(hostile)} 3, {visible(hostile)} 2"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_visible_text_has_no_control_or_format_character_and_one_line(hostile: str) -> None:
    shown = visible(hostile)
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("é 😀 中文", "é 😀 中文"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\u202e"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def printed(renderable: RenderableType) -> str:
    """What a terminal of 200 columns without colours would show."""
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(renderable)
    return out.getvalue()


def test_a_terminal_shows_tags_as_they_are() -> None:
    names = ["[red]x[/red]", "[link=https://example.org]y[/link]", "\x1b[31mz", ":smile:", "\u202ew"]
    built = build_tags(names, ["zig[/]"], vocabulary={name: {} for name in names})
    page = printed(render_summary(summarize(built.reports)))
    assert "\x1b" not in page
    assert "\u202e" not in page
    for name in (*names, "zig[/]"):
        assert visible(name) in page


def test_a_terminal_explains_hostile_tags_as_they_are() -> None:
    built = build_tags(["[bold]x[/bold]", "\x1b]8;;https://example.org\x07y"], vocabulary="a")
    tables = built.tables
    page = printed(
        render_explanation(
            explain_project(
                1,
                tables["annotate/tag_uses"],
                tables["threshold/tags"],
                built.vocabulary,
                build_manifest(built, tables).params,
            )
        )
    )
    assert "[bold]x[/bold]" in page
    assert "\x1b" not in page
    assert "\x07" not in page


def test_a_terminal_shows_a_hostile_id_as_it_is() -> None:
    hostile = "p\x1b]0;owned\x07\u202e[red]1"
    built = build_records([project(hostile, ["a"])], "a", validate={"id": "string"})
    tables = built.tables
    explanation = explain_project(
        hostile,
        tables["annotate/tag_uses"],
        tables["threshold/tags"],
        built.vocabulary,
        build_manifest(built, tables).params,
    )
    assert printed(render_explanation(explanation)).startswith(f"project {visible(hostile)}: labeled with 1 tag: a")


def test_a_summary_with_hostile_tags_is_only_text_and_numbers() -> None:
    names = ["<img src=x>", "a|b", "[x](https://example.org)", "*c*", "`d`"]
    built = build_tags(names, ["zig"], vocabulary={name: {} for name in names})
    page = markdown_summary(summarize(built.reports))
    text, kinds = texts_of(page)
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "em_open", "fence"}
    for name in names:
        assert name in text
    assert built.content_sha256 in text

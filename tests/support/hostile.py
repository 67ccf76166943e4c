"""Text that strangers may put into a collection to harm whoever reads a comparison of it; and documents full of it."""

from __future__ import annotations

from typing import Any

from tagpipe.comparison.document import DiffDocument

_MENTIONS = [
    "@user",
    "@org/team",
    "cc @user, @user2",
    "(@user)",
    "@user's",
    "＠user",
    "@a-b",
    "&#64;user",
    "&commat;user",
]
_REFERENCES = [
    *("#1", "#123", "GH-1", "gh-12", "org/repo#1", "user#7", "org/repo@0123456", "fixes #1", "Closes: org/repo#2"),
    *("0123456", "deadbeef", "0123456789abcdef0123456789abcdef01234567", "a" * 40, "1234567", "abcdef1...abcdef2"),
    *("GHSA-8mr2-jqv4-7xcr", "CVE-2021-44228", "[TICKET-1]", "SO-123", "&#35;1"),
]
_ADDRESSES = [
    *("https://example.org", "http://example.org/a?b=c&d", "www.example.org", "ftp://example.org", "a@example.org"),
    *("mailto:a@example.org", "xmpp:a@example.org", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>"),
    *("<https://example.org>", "<a@example.org>", "//example.org", "https://ex\u0430mple.org", "file:///etc/passwd"),
    *(
        "https://github.com/o/r/issues/1",
        "https://github.com/o/r/commit/0123456",
        "http://[::1]/",
        "tel:+1",
        "h​ttp://x",
    ),
    "https://example.org/`https://example.org`",
]
_MARKDOWN = [
    *("*em*", "**strong**", "***both***", "_em_", "__strong__", "~~gone~~", "~sub~", "[text](https://example.org)"),
    *(
        "[text](javascript:alert(1))",
        "![image](https://example.org/i.png)",
        "[text][ref]",
        "[ref]: https://example.org",
    ),
    *("[![a](https://example.org/a.png)](https://example.org)", "[^1]", "[^1]: note", "^[note]", "[[wiki]]"),
    *("# heading", "heading\n===", "> quote", "> [!WARNING]", "- item", "+ item", "* item", "1. item", "1) item"),
    *("- [ ] task", "[x]", "---", "***", "===", "    code", "\tcode", "~~~", "~~~python", ":smile:", ":+1:", "\\"),
    *("\\`", "`\\", "\\|", "\\\\|", "<br>", "a  \nb", "a\\\nb", "$x^2$", "$$y$$", "$`z`$", "```math\nx\n```"),
    *("```suggestion\nx\n```", "```mermaid\ngraph TD\n```", "term\n: definition", "*[HTML]: x", "==mark==", "H~2~O"),
    *("{{ site.title }}", "{% include x %}", "${{ github.token }}", "%0A::set-output name=x::y", "::error::x"),
]
_TABLES = [
    *(
        "|",
        "||",
        "a | b | c",
        "|---|---|",
        "| a | b |\n|---|---|\n| c | d |",
        "a|",
        "|b",
        "\\|",
        "`|`",
        "`a|b`",
        "``|",
        "|`",
    ),
    *("&#124;", "&vert;", "&VerticalLine;", "¦", "｜", "\n| x | y |", "x\n\n| y |", "\r\n|---|", "|" * 80, "-|-|-"),
]
_HTML = [
    *(
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "</SCRIPT >",
        "<!--<script>",
        "<!-- comment -->",
    ),
    *("-->", "--!>", "<!--", "<![CDATA[x]]>", "]]>", "<?php x ?>", "<!DOCTYPE html>", "<img src=x onerror=alert(1)>"),
    *("<svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<iframe src=https://example.org></iframe>"),
    *("<a href=https://example.org>x</a>", "<a href='javascript:alert(1)'>x</a>", "<b>", "</b>", "</code>", "</td>"),
    *(
        "</table>",
        "</details>",
        "</summary>",
        "<details>",
        "<summary>",
        "<details open>",
        "</body></html>",
        "<style>*{}",
    ),
    *(
        "</style>",
        "<link rel=stylesheet href=https://example.org>",
        "<meta http-equiv=refresh content=0>",
        "<base href=x>",
    ),
    *("<form action=https://example.org>", "<input autofocus onfocus=alert(1)>", "<video src=x>", "<object data=x>"),
    *("<embed src=x>", "<math><mi>x</mi></math>", "<textarea>", "</textarea>", "<title>", "</title>", "<noscript>"),
    *("</noscript>", "<plaintext>", "<xmp>", "<template>", "<g-emoji>", "<kbd>", "<p align=center>", "'\"><img src=x>"),
    *("\"'`=", "<div onclick=alert(1)>", "<x y='", '<x y="', "<", ">", "<>", "</", "<a", "&lt;b&gt;", "&amp;", "&"),
    *("&#60;i&#62;", "&#x3c;i&#x3e;", "&copy;", "&nbsp;", "&NewLine;", "&Tab;", "&lpar;", "&grave;", "&#0;", "&#10;"),
    *("<picture><source srcset=https://example.org/i.png>", "<!-- tagpipe-diff -->", "<​script>", "＜script＞"),
]
_INVISIBLE = [
    *("\x00", "a\x00b", "\x07", "\x08\x08\x08", "\x1b", "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]0;title\x07"),
    *("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "\x1bP1$r\x1b\\", "\x9b31m", "\x7f", "\x80\x9f", "\r"),
    *(
        "\n",
        "\n\n",
        "\r\n",
        "a\nb",
        "a\rb",
        "\x0b",
        "\x0c",
        "\x85",
        "\u2028",
        "\u2029",
        "a\u2028b\u2029c",
        "\x1c\x1d\x1e",
    ),
    *("\u202eesrever", "\u202a\u202b\u202c\u202d", "\u2066x\u2069", "\u2067\u2068", "\u200e\u200f", "\u061c", "\u200b"),
    *(
        "\u200c",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "a\u00adb",
        "\u180e",
        "\ufff9a\ufffab\ufffb",
        "\U000e0041\U000e007f",
    ),
    *("\ue000", "\U0010ffff", "\ufffe", "\ufdd0", "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\u034f", "\u17b4"),
    *(
        "",
        " ",
        "  ",
        "   ",
        " a",
        "a ",
        " a ",
        "  a  b  ",
        "\u00a0",
        "\u3000",
        "\u2003a\u2003",
        "\t",
        "a\tb",
        " ` ",
        "` `",
    ),
    *("e" + "\u0301" * 60, "Z̴͚̈́a̷͖͌l̵̩̈g̷̢͛ŏ̸̞", "é 😀 中文", "👨‍👩‍👧‍👦", "🇩🇪", "ﷺ", "العربية", "עברית", "a\ufe0f", "\u0301"),
]
_LONG = [
    *("t" * 79, "t" * 80, "t" * 81, "t" * 100_000, "`" * 100_000, "|" * 100_000, "\u202e" * 100_000, "<b>" * 40_000),
    *(
        "@user " * 20_000,
        "a" * 79 + "|",
        "a" * 79 + "`",
        "a" * 79 + "\x00",
        "a" * 80 + "@user",
        "😀" * 100_000,
        "[" * 50_000,
    ),
    *("(" * 90, "*" * 90, "_" * 90, "![](" * 200, "<!--" * 100, "\n" * 200, "> " * 200, "- " * 200, "&#64;" * 50),
]
_BACKTICKS = [
    *("`" * n for n in range(1, 101)),
    *(f"a{'`' * n}b" for n in range(1, 41)),
    *(f"`{'a`' * n}" for n in range(1, 20)),
    *(" ".join("`" * n for n in range(1, m)) for m in range(2, 14)),
    *(f"{'`' * n}\n@user\n{'`' * n}" for n in range(1, 20)),
]
_AROUND = [
    *(("` ", " `"), ("``", "``"), ("a | ", " | b"), ("</code>", "<code>"), ("\n\n", "\n\n")),
    *(("--> ", " <!--"), ("\u202e", "\u202c")),
]
_WRAPPED = [f"{left}{text}{right}" for left, right in _AROUND for text in (*_MENTIONS, *_ADDRESSES[:8])]

STRINGS = list(
    dict.fromkeys(
        [
            *(_MENTIONS + _REFERENCES + _ADDRESSES + _MARKDOWN + _TABLES + _HTML),
            *(_INVISIBLE + _LONG + _BACKTICKS + _WRAPPED),
        ]
    )
)

_DIGESTS = ("0" * 64, "f" * 64)


def hostile_document(texts: list[str]) -> DiffDocument:
    """A document where every text is used in every place that takes one; the first names sides, gates and factors."""
    first, pairs = texts[0], list(zip(texts, texts[1:] + texts[:1], strict=True))
    tags = section([tag_row(text) for text in texts])
    values = section([{"name": text, "base": other, "head": [text, {other: text}]} for text, other in pairs])
    projects = section([project_row(text) for text in texts])
    names = ("added", "removed", "retexted", "redated", "relabeled", "newly_unlabeled", "newly_labeled")
    return DiffDocument.model_validate(
        {
            "schema_version": 1,
            "base": side_row(first, _DIGESTS[0]),
            "head": side_row(first, _DIGESTS[1]),
            "is_same": False,
            "passed": False,
            "gates": (
                {"name": first, "limit": 0.1, "found": 0.2, "is_fraction": True, "passed": False},
                {"name": first, "limit": None, "found": 3, "is_fraction": False, "passed": True},
            ),
            "causes": {
                "groups": tuple(
                    {"cause": "joint", "factors": (text, other), "n_added": 2, "n_removed": 1} for text, other in pairs
                ),
                "factors": (
                    {"name": first, "n_suffices": 0, "n_needed": 0, "problem_alone": None, "problem_without": None},
                    {
                        "name": first,
                        "n_suffices": 0,
                        "n_needed": 0,
                        "problem_alone": first or "x",
                        "problem_without": first or "x",
                    },
                ),
                "n_replays": 3,
                "problem": first or "x",
            },
            "n_labels_added": len(texts),
            "n_labels_removed": 0,
            "entered": tags,
            "left": tags,
            "near_cut": tags,
            "moves": section([move_row(text, other) for text, other in pairs]),
            "projects": dict.fromkeys(names, projects),
            "signatures": section([signature_row(text, other) for text, other in pairs]),
            "tags": tags,
            "schema_changes": values,
            "params": values,
            "sources": values,
            "vocabulary": section([entry_row(text, other) for text, other in pairs]),
            "measures": section([{"name": text, "base": 1, "head": 2.5} for text in texts]),
            "out_of_vocabulary": section([{"name": text, "base": 0, "head": 2} for text in texts]),
            "changes": section(
                [
                    {**project_row(text), "tag": other, "change": "added", "cause": at}
                    for at, (text, other) in enumerate(pairs)
                ]
            ),
        }
    )


def section(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"n": len(rows), "rows": tuple(rows)}


def side_row(name: str, digest: str) -> dict[str, Any]:
    counts = ("min_projects", "n_projects", "n_labeled", "n_labels", "n_tags_kept")
    return {"name": name, "commit": name or None, "content_sha256": digest, **dict.fromkeys(counts, 1)}


def tag_row(tag: str) -> dict[str, Any]:
    counts = {"base": 1, "head": 2, "n_added": 1, "n_removed": 0}
    return {"tag": tag, **counts, "was_kept": False, "is_kept": True}


def project_row(text: str) -> dict[str, Any]:
    return {"id": text, "title": text}


def move_row(old: str, new: str) -> dict[str, Any]:
    counts = {"n_moved": 1, "n_lost": 1, "n_gained": 1}
    return {"kind": "rename", "old": old, "new": new, "declared": False, "overlap": 1.0, **counts}


def signature_row(removed: str, added: str) -> dict[str, Any]:
    examples = (project_row(removed), project_row(added))
    return {"removed": (removed,), "added": (added,), "n_projects": 2, "examples": examples}


def entry_row(tag: str, other: str) -> dict[str, Any]:
    texts = ("aliases_added", "aliases_removed", "parents_added", "parents_removed")
    return {"kind": "changed", "tag": tag, **dict.fromkeys(texts, (tag, other))}

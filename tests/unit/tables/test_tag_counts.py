"""What people and DVC read: tag_counts.csv is harmless wherever it is opened."""

from __future__ import annotations

import csv
import io

import pytest
from support.samples import build_tags

from tagpipe.tables.tag_counts import tag_counts


def tag_in_csv(tag: str) -> str:
    """How the tag stands in tag_counts.csv, read back as CSV."""
    built = build_tags([tag], vocabulary={tag: {}}, annotate={"normalize": False})
    _, row = csv.reader(io.StringIO(tag_counts(built.tables["threshold/tags"]), newline=""))
    assert row[1:] == ["1", "true"]
    return row[0]


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("c++", "c++"),
        ("naïve-bayes", "naïve-bayes"),
        ('say "hi", all', 'say "hi", all'),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@user", "'@user"),
        ("\ttab", "'\\u0009tab"),
        (
            "</script><script>alert(1)</script>",
            "\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
        ),
        ("r&d", "r\\u0026d"),
        ("{scripts}", "\\u007bscripts\\u007d"),
        ("a\x1b[31m\x00\x85b", "a\\u001b[31m\\u0000\\u0085b"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_a_tag_is_neither_a_formula_nor_markup_nor_control(tag: str, shown: str) -> None:
    assert tag_in_csv(tag) == shown

"""The compared form of a tag (DESIGN section 2, step 1)."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from tagpipe.vocabulary.vocabulary import normalize_tag


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("pytorch", "pytorch"),
        ("PyTorch", "pytorch"),
        ("  pytorch\t", "pytorch"),
        ("deep learning", "deep-learning"),
        ("deep_learning", "deep-learning"),
        ("deep \t _ _ learning", "deep-learning"),
        ("deep-learning", "deep-learning"),
        ("deep--learning", "deep--learning"),
        ("deep\u00a0learning", "deep-learning"),
        ("deep\u2003learning", "deep-learning"),
        ("deep\r\nlearning", "deep-learning"),
        ("ｐｙｔｏｒｃｈ", "pytorch"),
        ("Ｃ＋＋", "c++"),
        ("ﬁne-tuning", "fine-tuning"),
        ("Straße", "strasse"),
        ("arxiv:1706.03762", "arxiv:1706.03762"),
        ("node.js", "node.js"),
        ("cafe\u0301", "caf\u00e9"),
        ("🚀 Launch", "🚀-launch"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_each_rule(raw: str, form: str) -> None:
    assert normalize_tag(raw) == form


def test_c_and_its_relatives_are_three_tags() -> None:
    assert [normalize_tag(raw) for raw in ("C", "C++", "C#")] == ["c", "c++", "c#"]


def test_every_character_has_a_fixed_form_in_any_company() -> None:
    # U+0345 folds differently before and after composition; U+0130 and final sigma fold to more than one letter.
    companies = ("{}", "a{}", "{}b", " {}_", "{}\u0345", "\u0345{}", "\u0308{}\u0345", "-{}\u0338")
    unstable = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cs", "Cn", "Co", "Lo"):
            continue
        for company in companies:
            once = normalize_tag(company.format(character))
            if normalize_tag(once) != once:
                unstable.append(f"{company} with U+{code:04X}")
    assert unstable == []

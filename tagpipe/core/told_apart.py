"""Names that a person has told apart, by the tags that have them now."""

from __future__ import annotations

from collections.abc import Iterable

from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names


class ToldApart:
    """Pairs of names that are two things. Each name stands for the tag that has it: a rename brings no pair back.

    pairs: of names, in any spelling (`curation.NotSame.pairs`). One whose names are of one tag by now holds no more.
    """

    def __init__(self, vocabulary: Vocabulary, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._tag_of = resolve_names(vocabulary)
        resolved = (frozenset(map(self._resolve, pair)) for pair in pairs)
        self._pairs = frozenset(pair for pair in resolved if len(pair) == 2)

    def holds(self, first: str, second: str) -> bool:
        """Whether the two names, in any spelling and order, are such a pair, or their tags are."""
        return frozenset((self._resolve(first), self._resolve(second))) in self._pairs

    def _resolve(self, name: str) -> int | str:
        form = normalize_tag(name)
        return self._tag_of.get(form, form)

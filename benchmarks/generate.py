"""Deterministic projects and a vocabulary of any size, shaped like the Made With ML projects of December 2020.

    python -m benchmarks.generate 100000 benchmarks/out/100000

The shapes were measured on the 2,032 real projects and are constants here. What the real data has too little of to
matter (aliases, tags that need normalising, repeats within a project, empty descriptions) is raised, and says so.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.rule import hash_generator

SEED = 20201201
CHUNK_ROWS = 20_000
TAGS_PER_PROJECT = 10

N_REAL_PROJECTS = 2_032
REAL_MIN_PROJECTS = 15
EXCLUDE = (
    "natural-language-processing",
    "computer-vision",
    "deep-learning",
    "machine-learning",
    "python",
    "data-science",
    "visualization",
    "artificial-intelligence",
)

TITLE_CHARS = (3, 7, 10, 14, 18, 22, 25, 28, 31, 34, 36, 39, 42, 45, 48, 50, 53, 56, 60, 63, 65)
DESCRIPTION_CHARS = (
    8, 43, 52, 58, 64, 69, 73, 79, 84, 90, 96, 102, 109, 116, 124, 132, 140, 147, 154, 160, 391,
)  # fmt: skip
"""Real lengths at every twentieth of the projects, from the shortest to the longest."""

VOCABULARY_USES = 5_804
ALIAS_USES = 54 * 4
"""Of the real uses; those of aliases four times as many."""

OUT_OF_VOCABULARY_HEAD = {
    "code": 1357, "tutorial": 1059, "article": 1040, "research": 551, "library": 496, "paper": 448, "video": 210,
    "notebook": 177, "demo": 89, "bert": 77, "dataset": 64, "health": 39,
}  # fmt: skip
OUT_OF_VOCABULARY_TAIL_USES = 3_712
TAIL_EXPONENT = 1.25
TAIL_SHIFT = 25.0
TAIL_TAGS = 1 << 21
"""Tail tag r is used as often as (r + shift) ** -exponent: distinct tags then grow as uses ** 0.8, as measured by
doubling samples of the real projects."""

VOCABULARY_EXPONENT = 1.55
VOCABULARY_SHIFT = 9.5
"""Fitted to the uses of the vocabulary's 293 tags in use."""

N_VOCABULARY = 400
N_TAGS_BY_ALIASES = {1: 57, 2: 8, 3: 3}
N_TAGS_BY_PARENTS = {1: 186, 2: 15}

VARIANT_SHARE = 0.03
REPEAT_SHARE = 0.02
EMPTY_DESCRIPTION_SHARE = 0.01
"""Uses written otherwise, projects that repeat a tag, projects without a description: hardly any in the real data."""

SPECIAL_WORD_SHARE = 0.01
SPECIAL_WORDS = (
    "it’s", "—", "“state", "art”", "naïve", "🤗", "⚡️", "基于", "Zürich", '"quoted"', "back\\slash", "and/or",
    "of\nthe", "to:\r\n-", "<b>", "C++",
)  # fmt: skip
"""Non-ASCII, or escaped in JSON; one word in a hundred of the real texts is like this."""

_MODIFIERS = (
    "graph", "image", "text", "video", "speech", "neural", "adversarial", "bayesian", "sparse", "temporal", "visual",
    "semantic", "causal", "federated", "active", "contrastive", "robust", "multi-task", "few-shot", "self-supervised",
)  # fmt: skip
_SUBJECTS = (
    "classification", "generation", "segmentation", "detection", "retrieval", "embedding", "regression", "clustering",
    "translation", "attention", "networks", "learning", "search", "forecasting", "compression", "parsing", "tracking",
    "synthesis", "ranking", "reasoning",
)  # fmt: skip
_CONSONANTS = "bcdfglmnprstv"
_VOWELS = "aeiou"
_COMMON_WORDS = (
    "the", "a", "of", "and", "to", "for", "in", "with", "on", "using", "from", "is", "how", "you", "by", "that", "an",
    "we", "your", "this", "model", "learning", "data", "neural", "deep", "as", "training", "based", "are", "can",
)  # fmt: skip
_N_WORDS = 9_700
_EPOCH_START = 1_420_070_400
_EPOCH_SECONDS = 6 * 365 * 86_400

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Names:
    """The raw tags: those of the vocabulary, their aliases, the head and the tail outside, numbered in this order.

    cumulative: of their weights.
    """

    listed: tuple[str, ...]
    cumulative: Floats

    def spell(self, number: int) -> str:
        """The raw tag of a number."""
        return self.listed[number] if number < len(self.listed) else spell_tail(number - len(self.listed))


def generate(n_projects: int, folder: Path) -> None:
    """Write projects.json, vocabulary.json and rule.json; the same bytes each time.

    rule.json is written last: where it stands, the folder is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(SEED))
    vocabulary = make_vocabulary(rng)
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary, indent=2), "utf-8")
    digest, n_bytes = write_projects(folder / "projects.json", n_projects, make_names(vocabulary), rng)
    rule = {
        "exclude": EXCLUDE,
        "min_projects": round(n_projects * REAL_MIN_PROJECTS / N_REAL_PROJECTS),
        "n_bytes": n_bytes,
        "sha256": digest,
        "generator": hash_generator(),
    }
    (folder / "rule.json").write_text(json.dumps(rule, indent=2) + "\n", "utf-8")


def make_vocabulary(rng: np.random.Generator) -> dict[str, dict[str, list[str]]]:
    """Tag -> aliases and parents, the most used tag first; parents are always among the more used."""
    pairs = [(modifier, subject) for modifier in _MODIFIERS for subject in _SUBJECTS]
    pairs = [pairs[at] for at in rng.permutation(len(pairs))][: N_VOCABULARY - len(EXCLUDE)]
    tags = [*EXCLUDE, *("-".join(pair) for pair in pairs)]
    vocabulary: dict[str, dict[str, list[str]]] = {tag: {"aliases": [], "parents": []} for tag in tags}
    for at, n_aliases in _spread(N_TAGS_BY_ALIASES, rng):
        modifier, subject = pairs[at]
        spellings = (f"{modifier}{subject}", f"{subject}-of-{modifier}", f"{modifier[0]}_{subject}".upper())
        vocabulary["-".join(pairs[at])]["aliases"] = list(spellings[:n_aliases])
    for at, n_parents in _spread(N_TAGS_BY_PARENTS, rng):
        parents = rng.permutation(min(at + len(EXCLUDE), 40))[:n_parents]
        vocabulary["-".join(pairs[at])]["parents"] = [tags[parent] for parent in parents]
    return _drop_claimed_twice(vocabulary)


def _spread(n_tags_by_count: dict[int, int], rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """(tag, count) for as many tags of each count as given, at random."""
    counts = [count for count, n_tags in n_tags_by_count.items() for _ in range(n_tags)]
    tags = rng.permutation(N_VOCABULARY - len(EXCLUDE))
    return zip(tags.tolist(), counts, strict=False)


def _drop_claimed_twice(vocabulary: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """The same without the aliases that an earlier tag has too."""
    claimed: set[str] = set()
    for entry in vocabulary.values():
        entry["aliases"] = [alias for alias in entry["aliases"] if alias not in claimed]
        claimed.update(entry["aliases"])
    return vocabulary


def make_names(vocabulary: dict[str, dict[str, list[str]]]) -> Names:
    """Every raw tag with its weight."""
    aliases = [alias for entry in vocabulary.values() for alias in entry["aliases"]]
    weights = np.concatenate(
        [
            VOCABULARY_USES * _zipf(len(vocabulary), VOCABULARY_EXPONENT, VOCABULARY_SHIFT),
            ALIAS_USES * _zipf(len(aliases), 1.0, 1.0),
            list(OUT_OF_VOCABULARY_HEAD.values()),
            OUT_OF_VOCABULARY_TAIL_USES * _zipf(TAIL_TAGS, TAIL_EXPONENT, TAIL_SHIFT),
        ]
    )
    cumulative = np.cumsum(weights)
    return Names((*vocabulary, *aliases, *OUT_OF_VOCABULARY_HEAD), cumulative / cumulative[-1])


def _zipf(n_ranks: int, exponent: float, shift: float) -> Floats:
    weights = ((np.arange(1, n_ranks + 1) + shift) ** -exponent).astype(np.float64)
    shares: Floats = weights / weights.sum()
    return shares


def spell_tail(rank: int) -> str:
    """The out-of-vocabulary tag of a rank, each another one, about as long as real ones.

    >>> [spell_tail(rank) for rank in (0, 7, 70_000)]
    ['baba-baba', 'bano-tidacl', 'sofa-sela']
    """
    syllables = len(_CONSONANTS) * len(_VOWELS)
    parts = []
    # An odd multiplier makes neighbouring ranks look unlike each other, and is a bijection of the tail.
    left = rank * 1_000_003 % TAIL_TAGS
    for _ in range(4):
        left, at = divmod(left, syllables)
        parts.append(_CONSONANTS[at % len(_CONSONANTS)] + _VOWELS[at // len(_CONSONANTS)])
    return f"{parts[0]}{parts[1]}-{parts[2]}{parts[3]}{_SUBJECTS[rank % len(_SUBJECTS)][: rank % 5]}"


def write_projects(path: Path, n_projects: int, names: Names, rng: np.random.Generator) -> tuple[str, int]:
    """(sha256, bytes) of one JSON array without white space, one record after another."""
    digest, n_bytes, opening = hashlib.sha256(), 0, b"["
    ids = rng.permutation(n_projects * 6 // 5)[:n_projects] + 1
    words = make_words(rng)
    with path.open("wb") as file:
        for first in range(0, n_projects, CHUNK_ROWS):
            records = iter_records(ids[first : first + CHUNK_ROWS], names, words, rng)
            chunk = opening + ",".join(records).encode() + (b"]" if first + CHUNK_ROWS >= n_projects else b"")
            n_bytes += file.write(chunk)
            digest.update(chunk)
            opening = b","
    return digest.hexdigest(), n_bytes


def make_words(rng: np.random.Generator) -> list[str]:
    """The words of the texts, the most used first."""
    n_syllables = rng.integers(1, 5, _N_WORDS)
    syllables = rng.integers(0, len(_CONSONANTS) * len(_VOWELS), (_N_WORDS, 4))
    made = (
        "".join(_CONSONANTS[at % 13] + _VOWELS[at // 13] for at in row[:length])
        for row, length in zip(syllables.tolist(), n_syllables.tolist(), strict=True)
    )
    return [*_COMMON_WORDS, *made]


def iter_records(ids: Integers, names: Names, words: list[str], rng: np.random.Generator) -> Iterator[str]:
    """One JSON object a project; every other one escapes what is not ASCII, as real exports do."""
    titles = _draw_lengths(len(ids), TITLE_CHARS, rng)
    descriptions = _draw_lengths(len(ids), DESCRIPTION_CHARS, rng)
    descriptions[rng.random(len(ids)) < EMPTY_DESCRIPTION_SHARE] = 0
    text = draw_text(int(titles.sum() + descriptions.sum()), words, rng)
    seconds = _EPOCH_START + rng.integers(0, _EPOCH_SECONDS, len(ids))
    times = np.datetime_as_string(seconds.astype("datetime64[s]"))
    at = 0
    rows = zip(
        ids.tolist(), times.tolist(), titles.tolist(), descriptions.tolist(), draw_tags(len(ids), names, rng),
        strict=True,
    )  # fmt: skip
    for project_id, time, n_title, n_description, tags in rows:
        between = at + n_title
        record = {
            "id": project_id,
            "created_on": time.replace("T", " "),
            "title": text[at:between],
            "description": text[between : between + n_description],
            "tags": tags,
        }
        at = between + n_description
        yield json.dumps(record, ensure_ascii=project_id % 2 == 0, separators=(",", ":"))


def _draw_lengths(n_rows: int, quantiles: tuple[int, ...], rng: np.random.Generator) -> Integers:
    at = rng.random(n_rows) * (len(quantiles) - 1)
    return np.interp(at, np.arange(len(quantiles)), quantiles).astype(np.int64)


def draw_text(n_chars: int, words: list[str], rng: np.random.Generator) -> str:
    """At least `n_chars` of words, from which the texts are cut one after another."""
    cumulative = np.cumsum(_zipf(len(words), 1.0, 2.0))
    parts: list[str] = []
    left = n_chars
    while left > 0:
        n_words = left // 4 + 100
        drawn = [words[at] for at in np.searchsorted(cumulative[:-1], rng.random(n_words))]
        special = rng.integers(0, len(SPECIAL_WORDS), n_words)
        for at in np.flatnonzero(rng.random(n_words) < SPECIAL_WORD_SHARE).tolist():
            drawn[at] = SPECIAL_WORDS[special[at]]
        part = " ".join(drawn) + " "
        parts.append(part)
        left -= len(part)
    return "".join(parts)


def draw_tags(n_rows: int, names: Names, rng: np.random.Generator) -> Iterator[list[str]]:
    """The raw tags of each project: ten, distinct but for some repeats, some of them spelled otherwise."""
    numbers = _draw_distinct(n_rows, names, rng)
    spelled = {number: names.spell(number) for number in np.unique(numbers).tolist()}
    repeats = rng.random(n_rows) < REPEAT_SHARE
    numbers[repeats, -1] = numbers[repeats, 0]
    is_variant = rng.random(numbers.shape) < VARIANT_SHARE
    kinds = rng.integers(0, 6, numbers.shape)
    variants = np.where(is_variant, kinds, -1)
    for row, kinds_of_row in zip(numbers.tolist(), variants.tolist(), strict=True):
        yield [vary(spelled[number], kind) for number, kind in zip(row, kinds_of_row, strict=True)]


def _draw_distinct(n_rows: int, names: Names, rng: np.random.Generator) -> Integers:
    """Numbers of raw tags, TAGS_PER_PROJECT a row: the first distinct ones of twice as many draws."""
    draws = np.searchsorted(names.cumulative[:-1], rng.random((n_rows, 2 * TAGS_PER_PROJECT)))
    order = np.argsort(draws, axis=1, kind="stable")
    in_order = np.take_along_axis(draws, order, axis=1)
    is_repeat = np.zeros(draws.shape, dtype=bool)
    np.put_along_axis(is_repeat, order[:, 1:], in_order[:, 1:] == in_order[:, :-1], axis=1)
    first = np.argsort(is_repeat, axis=1, kind="stable")[:, :TAGS_PER_PROJECT]
    return np.take_along_axis(draws, first, axis=1).astype(np.int64)


def vary(tag: str, kind: int) -> str:
    """Another spelling with the same normal form; -1 gives the tag itself.

    >>> [vary("graph-search", kind) for kind in (-1, 0, 1, 2, 3, 4)]
    ['graph-search', 'GRAPH-SEARCH', 'graph_search', 'Graph Search', ' graph-search', 'graph\\xa0_search']
    """
    if kind < 0:
        return tag
    full_width = "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in tag)
    return (
        tag.upper(),
        tag.replace("-", "_"),
        tag.replace("-", " ").title(),
        f" {tag}",
        tag.replace("-", "\xa0_"),
        full_width,
    )[kind]


def main() -> None:
    """python -m benchmarks.generate N_PROJECTS FOLDER"""
    generate(int(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()

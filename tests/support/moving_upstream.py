"""An upstream that moves by chance, and what may be wrong in a run that follows it."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.http_server import Reply, Write, answer, drip, failure, head, raw

TIMEOUT_S = 12.0
"""Of the downloads (`source.download.timeout_s`)."""

FAULT_SHARE = 0.05

Row = dict[str, Any]
Rows = dict[int, Row]


def read_rows(root: Path) -> Rows:
    return {row["id"]: row for row in json.loads((root / "data/source/projects.json").read_bytes())}


def as_body(rows: Rows) -> bytes:
    return json.dumps(list(rows.values())).encode()


def add_and_remove(rows: Rows, chance: random.Random) -> Rows:
    """As many new ones as go, on the whole."""
    gone = set(chance.sample(sorted(rows), chance.randint(0, 3)))
    first = max(rows) + 1
    like = chance.sample(sorted(rows), chance.randint(1, 3))
    new = {first + at: {**rows[each], "id": first + at, "title": f"new {first + at}"} for at, each in enumerate(like)}
    return {at: row for at, row in rows.items() if at not in gone} | new


def retag(rows: Rows, chance: random.Random) -> Rows:
    """One tag less, and the tag of another project more."""
    changed = dict(rows)
    for at in chance.sample(sorted(rows), chance.randint(1, 5)):
        more = chance.choice(rows[chance.choice(sorted(rows))]["tags"] or ["pytorch"])
        changed[at] = {**rows[at], "tags": [*rows[at]["tags"][1:], more]}
    return changed


def reorder(rows: Rows, chance: random.Random) -> Rows:
    """Other bytes, the same dataset."""
    return dict(chance.sample(sorted(rows.items()), len(rows)))


def lose_projects(rows: Rows, chance: random.Random) -> Rows:
    return dict(chance.sample(sorted(rows.items()), len(rows) * 9 // 10))


def lose_tags(rows: Rows, chance: random.Random) -> Rows:
    blank = set(chance.sample(sorted(rows), len(rows) // 8))
    return {at: {**row, "tags": []} if at in blank else row for at, row in rows.items()}


def rename_tags(rows: Rows, chance: random.Random) -> Rows:
    """Popular tags under names that the vocabulary does not have."""
    counts = Counter(tag for row in rows.values() for tag in set(row["tags"]))
    old = {tag for tag, _ in counts.most_common(20)}
    return {at: {**row, "tags": [f"{tag}-2" if tag in old else tag for tag in row["tags"]]} for at, row in rows.items()}


SMALL = (add_and_remove, add_and_remove, retag, retag, reorder)
LARGE = (lose_projects, lose_tags, rename_tags)


@dataclass
class Upstream:
    """rows: what it has now. good: what was last published of it. is_refused: what it has was too much.

    Somebody mends it then, sooner or later: else every later run would be refused for the same reason.
    """

    chance: random.Random
    rows: Rows
    good: Rows
    is_refused: bool = False

    def move(self, *, must: bool) -> str:
        """What it did; must: a small change in any case."""
        drawn = self.chance.random()
        if self.is_refused and (must or drawn < 0.7):
            self.rows, self.is_refused = self.good, False
            if not must:
                return "goes back"
        if not must and (self.is_refused or drawn < 0.2):
            return "stays"
        change = self.chance.choice(LARGE if not must and drawn > 0.9 else SMALL)
        self.rows = change(self.rows, self.chance)
        return change.__name__

    def learn(self, came_to: str) -> None:
        """What became of what it has."""
        self.is_refused = came_to.startswith("refused")
        self.good = self.rows if came_to == "published" else self.good


# --- faults ----------------------------------------------------------------------------------------------------------


def stall(data: bytes) -> Reply:
    """A hang that ends some time after the client has given up: a thread that stays would count as one of ours."""

    def reply(write: Write, stopped: threading.Event) -> None:
        write(data)
        stopped.wait(TIMEOUT_S + 2)

    return reply


@dataclass(frozen=True)
class Fault:
    """What is wrong in one run. replies: what upstream says instead, the last again and again, None: what it has.

    comes_to: None where the run must come to what it would without the fault. spoils: the outcomes that it takes; where
    an unchanged upstream would not show it, the run has a small change.
    """

    name: str
    comes_to: str | None
    replies: Callable[[Reply], list[Reply]] | None = None
    spoils: tuple[str, ...] = ("unchanged", "published", "refused")

    @property
    def needs_change(self) -> bool:
        return "unchanged" not in self.spoils


FAULTS = (
    Fault("a 500, then fine", None, lambda fine: [failure(500), fine]),
    Fault("only 500s", "unavailable", lambda _: [failure(500)]),
    Fault("a hang", "unavailable", lambda _: [stall(head(content_length=100))]),
    Fault("a slow drip", "unavailable", lambda _: [drip(head(content_length=10_000), b"[")]),
    Fault("truncated, with a length", "unavailable", lambda _: [raw(head(content_length=10_000) + b"[{")]),
    Fault("truncated, without a length", "bad input", lambda _: [raw(head() + b'[{"id": 1,')]),
    Fault("HTML with 200", "bad input", lambda _: [answer(b"<html>sign in</html>")]),
    Fault("an empty list", "bad input", lambda _: [answer(b"[]")]),
    Fault("git refuses the push", "unavailable", spoils=("published", "refused")),
    Fault("the DVC remote is not there", "unavailable", spoils=("published",)),
)


def draw_faults(chance: random.Random, n_runs: int) -> dict[int, Fault]:
    """Run -> its fault; every kind before any comes again."""
    n_faults = max(1, round(FAULT_SHARE * n_runs))
    kinds = [fault for _ in range(-(-n_faults // len(FAULTS))) for fault in chance.sample(FAULTS, len(FAULTS))]
    return dict(zip(sorted(chance.sample(range(1, n_runs), n_faults)), kinds, strict=False))

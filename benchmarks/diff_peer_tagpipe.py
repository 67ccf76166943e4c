"""tagpipe: its own comparison of two directories, with everything that it tells beside the labels.

`--unverified`: the digests of all tables, which it takes of a directory before it believes it, are left out.
`--causes`: the cause of every change too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.diff_result import read_sides, write_result
from tagpipe.io.repository import files
from tagpipe.io.versions import load_sides
from tagpipe.operations import compare as comparison


def main() -> None:
    """python -m benchmarks.diff_peer_tagpipe BASE HEAD OUT [--unverified] [--causes]"""
    base, head, out = read_sides()
    files.use_system_memory()
    if "--unverified" in sys.argv:
        load_sides.verify_version = lambda _, **__: None
    found = comparison.compare(Path.cwd(), str(base), str(head), with_causes="--causes" in sys.argv)
    labels = found.diff.labels
    projects, _ = found.diff.union.unpack(labels.labels)
    n_added = int(labels.is_added.sum())
    write_result(out, n_projects=len(np.unique(projects)), n_added=n_added, n_removed=len(labels) - n_added)
    if found.attribution is not None:
        for group in found.attribution.groups:
            print(group.cause, "+".join(group.factors), group.n_changes, file=sys.stderr)


if __name__ == "__main__":
    main()

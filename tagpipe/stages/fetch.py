"""Stage fetch: the two inputs, exactly as received, into data/raw."""

from __future__ import annotations

import sys

from tagpipe.io.repository.layout import Layout
from tagpipe.io.repository.run_stage import run_stage
from tagpipe.io.sources.sources import receive
from tagpipe.params import Params


def fetch(layout: Layout, params: Params) -> str:
    """Write both files or neither."""
    sources = receive(layout, params.source)
    return ", ".join(f"{source.name} {len(source.data)} bytes from {source.origin}" for source in sources)


if __name__ == "__main__":
    sys.exit(run_stage("fetch", fetch))

"""The stage monitor as DVC runs it: from the tables of a project to its report.

python -m benchmarks.monitor_peer_tagpipe FOLDER OUT
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tagpipe.io.repository.run_stage import run_stage
from tagpipe.stages.monitor import monitor

COMPARED = ("n_projects", "first_seen", "last_seen", "n_days", "n_periods", "concentration", "prevalence_low")
TESTED = ("trend_p", "burst_p", "nearest")


def main() -> int:
    """Run the stage in the project, then write what peers are compared by."""
    folder, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    os.chdir(folder)
    code = run_stage("monitor", monitor)
    tree = json.loads((folder / "data/reports/monitor.json").read_bytes())
    out.write_text(json.dumps(describe(tree)), "utf-8")
    return code


def describe(tree: dict[str, Any]) -> dict[str, Any]:
    """Periods and candidates of a report, as every peer writes them."""
    columns = ("period", "n_projects", "n_forms", "n_single_forms")
    periods = [[each[name] for name in columns] for each in tree["periods"]]
    candidates = {each["tag"]: {name: each[name] for name in COMPARED + TESTED} for each in tree["candidates"]}
    return {"periods": periods, "candidates": candidates}


if __name__ == "__main__":
    sys.exit(main())

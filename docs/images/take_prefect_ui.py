"""Take the screenshots of Prefect's UI for docs/scheduling.md: a real server and worker, a published and a refused run.

    python docs/images/take_prefect_ui.py      # in the checkout, with its environment

Needs Chromium and a font with emoji (Debian: chromium, fonts-noto-color-emoji). Runs of the deployment `publish` of
prefect.yaml, on a dataset repository of `tagpipe init`; the last one is refused, for upstream has lost 100 projects.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support.browser import FLAGS, find_browser
from support.http_server import answer
from support.prefect_server import read_artifacts
from support.scheduler import PROJECTS, Scheduler, serve_schedule

from flows.artifacts import DIFF_KEY

IMAGES = Path(__file__).resolve().parent
FOLDER = "tagpipe-demo"
"""In the system's temporary folder. The dataset repository is in it, and pages may show its path."""

SIZE = {"width": 1280, "height": 1000}
N_COLOURS = 256
MAX_BYTES = 200_000
DEPLOYMENT = "tagpipe-publish/publish"


def without(n: int) -> bytes:
    """The projects without the last `n`."""
    return json.dumps(json.loads(PROJECTS)[: -n or None]).encode()


def publish_and_be_refused(scheduler: Scheduler) -> dict[str, str]:
    """State -> id of the run that ended so, each once."""
    ended = {}
    for state, projects in (("Unchanged", PROJECTS), ("Published", without(3)), ("Refused", without(100))):
        scheduler.serve(answer(projects))
        run = scheduler.run(DEPLOYMENT)
        assert run["state_name"] == state, run["state"]["message"]
        ended[state] = str(run["id"])
    return ended


def take_all(scheduler: Scheduler, runs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each page."""
    ui = scheduler.environment["PREFECT_API_URL"].removesuffix("/api")
    refused, *_ = read_artifacts(scheduler.environment, DIFF_KEY)
    pages = {
        "runs": ("/runs", "", "Unchanged"),
        "published": (f"/runs/flow-run/{runs['Published']}", "Artifacts", "tagpipe-dataset-tags"),
        "refused": (f"/runs/flow-run/{runs['Refused']}", "Details", "gates failed"),
        "refused-diff": (f"/artifacts/artifact/{refused['id']}", "", "max_projects_removed"),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        context = browser.new_context(viewport=SIZE)
        context.route(lambda url: not url.startswith(ui), lambda route: route.abort())
        for name, (path, tab, text) in pages.items():
            yield name, take(context.new_page(), ui + path, tab, text)
        browser.close()


def take(page: Page, address: str, tab: str, text: str) -> bytes:
    """A page, turned to a tab if it has any, once it has loaded and shows `text`."""
    page.goto(address)
    if tab:
        page.get_by_text(tab, exact=True).click()
    page.get_by_text(text).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)  # charts are drawn on a canvas, which nothing can be asked about
    return page.screenshot()


def write_small(path: Path, png: bytes) -> None:
    """With few colours, which is all that such a page has."""
    image: Any = Image.open(io.BytesIO(png)).convert("RGB")
    method = Image.Quantize.MAXCOVERAGE  # a median cut takes the red out of a small cross
    image.quantize(N_COLOURS, method, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size <= MAX_BYTES, path


def main() -> None:
    folder = Path(tempfile.gettempdir()) / FOLDER
    folder.mkdir()
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "Demo", f"GIT_{role}_EMAIL": "demo@example.org"}
    try:
        with serve_schedule(folder) as scheduler:
            runs = publish_and_be_refused(scheduler)
            for name, png in take_all(scheduler, runs):
                write_small(IMAGES / f"prefect-{name}.png", png)
                print(f"prefect-{name}.png", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

"""How long a test waits for what must happen."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG_S = 600.0
"""After so many seconds a wait has failed. Nothing that works takes nearly as long, on the slowest machine either."""

POLL_S = 0.1


def wait_until(is_so: Callable[[], bool], *, poll_s: float = POLL_S) -> None:
    deadline = time.monotonic() + HANG_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(poll_s)

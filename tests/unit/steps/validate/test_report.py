"""What validation.json says of the received bytes."""

from __future__ import annotations

import hashlib

import pytest

from tagpipe.steps.validate import report
from tagpipe.steps.validate.report import describe_source


@pytest.mark.parametrize("data", [b"", b"a", b"abcd", b"abcdefghi"])
def test_the_digest_is_of_all_bytes_whatever_the_slices(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_SLICE_BYTES", 4)
    source = describe_source(data)
    assert (source.sha256, source.n_bytes) == (hashlib.sha256(data).hexdigest(), len(data))

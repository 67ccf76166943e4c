"""Messy public tags in, a reproducible, diffable multi-label dataset version out.

>>> import tagpipe
>>> dataset = tagpipe.load(".")           # doctest: +SKIP
>>> dataset.projects, dataset.multi_hot() # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tagpipe.dataset.dataset import Dataset
    from tagpipe.operations.build import build
    from tagpipe.operations.load import load

__version__ = "0.1.0"
__all__ = ["Dataset", "__version__", "build", "load"]

_HOMES = {
    "Dataset": "tagpipe.dataset.dataset",
    "build": "tagpipe.operations.build",
    "load": "tagpipe.operations.load",
}


def __getattr__(name: str) -> Any:
    # Lazy: `tagpipe --help` and every stage import this package, and few of them need pandas.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tagpipe' has no attribute {name!r}")

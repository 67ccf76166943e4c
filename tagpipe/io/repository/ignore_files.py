"""The .gitignore files that keep DVC's outputs out of git."""

from __future__ import annotations

from pathlib import PurePosixPath

from tagpipe.io.repository.files import read_bytes, write_bytes
from tagpipe.io.repository.layout import Layout


def ignored_outputs(layout: Layout) -> dict[str, list[str]]:
    """Path of each .gitignore -> the lines that it needs, one for each output in its folder that DVC caches."""
    lines: dict[str, list[str]] = {}
    for stage in layout.stages.values():
        for path in (PurePosixPath(out) for out, is_cached in stage.outs if is_cached):
            lines.setdefault((path.parent / ".gitignore").as_posix(), []).append(f"/{path.name}")
    return lines


def write_ignore_files(layout: Layout) -> None:
    """Add what is missing, in the words of DVC 3.67, which itself writes a line only when its stage has succeeded.

    After a first run that fails, `git add -A` would otherwise put received data into git, and no later run would work.
    """
    for name, lines in ignored_outputs(layout).items():
        path = layout.root / name
        text = read_bytes(path).decode("utf-8", "surrogateescape") if path.is_file() else ""
        if missing := [line for line in lines if line not in text.splitlines()]:
            separator = "\n" if text and not text.endswith("\n") else ""
            text += separator + "".join(f"{line}\n" for line in missing)
            write_bytes(path, text.encode("utf-8", "surrogateescape"))

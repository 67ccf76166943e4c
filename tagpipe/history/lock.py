"""A version as its dvc.lock records it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from tagpipe.params import SHAPING


class RecordedFile(BaseModel):
    """A file or folder that a stage reads or writes."""

    model_config = ConfigDict(frozen=True)

    path: str
    md5: str | None = None
    """None for a file that was not hashed."""
    hash: str | None = None
    """The kind of hash; None in an entry written by DVC 2."""


class RecordedStage(BaseModel):
    """A stage as it was when it last ran."""

    model_config = ConfigDict(frozen=True)

    cmd: object
    deps: tuple[RecordedFile, ...] = ()
    outs: tuple[RecordedFile, ...] = ()
    params: dict[str, dict[str, object]] = Field(default_factory=dict)
    """File name -> its parameters that the stage depends on."""


class RecordedLock(BaseModel):
    """dvc.lock, as far as it is read here."""

    model_config = ConfigDict(frozen=True)

    stages: dict[str, RecordedStage] = Field(default_factory=dict)

    @property
    def code(self) -> dict[str, str]:
        """Path -> md5 of the code that built the version.

        The paths are those of tagpipe's own modules and folders, or `tagpipe.version` where tagpipe was installed.
        """
        return {
            dependency.path: dependency.md5 or ""
            for stage in self._iter_shaping()
            for dependency in stage.deps
            if dependency.path.startswith("tagpipe/") or dependency.path == "tagpipe.version"
        }

    @property
    def params(self) -> list[dict[str, object]]:
        """Stage by stage, the parameters that shape the version; `source` only says where the bytes come from."""
        return [
            {name: value for name, value in stage.params.get("params.yaml", {}).items() if name != "source"}
            for stage in self._iter_shaping()
        ]

    def _iter_shaping(self) -> Iterator[RecordedStage]:
        """The stages that make the dataset; those that only watch it are no part of a version."""
        yield from (stage for name, stage in self.stages.items() if name in ("fetch", *SHAPING))

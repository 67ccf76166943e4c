"""A version's code and parameters, as dvc.lock records them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from tagpipe.params import SHAPING


class RecordedDependency(BaseModel):
    """A file or folder that a stage was built from."""

    model_config = ConfigDict(frozen=True)

    path: str
    md5: str


class RecordedStage(BaseModel):
    """A stage as it was built."""

    model_config = ConfigDict(frozen=True)

    deps: tuple[RecordedDependency, ...] = ()
    params: dict[str, dict[str, object]] = Field(default_factory=dict)
    """File name -> its parameters that the stage depends on."""


class RecordedLock(BaseModel):
    """dvc.lock of a version in git, as far as it is read here.

    `io.repository.dvc_lock` reads that of the work tree, where a dependency may lack its hash.
    """

    model_config = ConfigDict(frozen=True)

    stages: dict[str, RecordedStage]

    @property
    def code(self) -> dict[str, str]:
        """Path -> md5 of the code that built the version.

        The paths are those of tagpipe's own modules and folders, or `tagpipe.version` where tagpipe was installed.
        """
        return {
            dependency.path: dependency.md5
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

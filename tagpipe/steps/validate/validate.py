"""Both inputs read, checked and reported."""

from __future__ import annotations

from dataclasses import dataclass

from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import Params
from tagpipe.steps.validate.check_rows import ValidatedProjects, validate_projects
from tagpipe.steps.validate.read_projects import read_projects
from tagpipe.steps.validate.received_rows import Progress
from tagpipe.steps.validate.report import describe_source
from tagpipe.vocabulary.lint import LintWarning, find_warnings
from tagpipe.vocabulary.problems import read_vocabulary
from tagpipe.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class RawFile:
    """One received file: its name (in messages), its ending (how it is read) and its bytes."""

    name: str
    suffix: str
    data: ByteSource


@dataclass(frozen=True)
class Raw:
    """The two inputs, exactly as received."""

    projects: RawFile
    vocabulary: RawFile

    def file(self, name: str) -> RawFile:
        """The input called `projects` or `vocabulary`."""
        found: RawFile = getattr(self, name)
        return found


def validate(
    raw: Raw, params: Params, *, progress: Progress | None = None
) -> tuple[ValidatedProjects, Vocabulary, tuple[LintWarning, ...]]:
    """The first step alone: what `tagpipe refresh` proves of new bytes before it accepts them."""
    vocabulary = read_vocabulary(raw.vocabulary.data[:], raw.vocabulary.suffix, file=raw.vocabulary.name)
    received = read_projects(
        raw.projects.data, raw.projects.suffix, params.validate_, file=raw.projects.name, progress=progress
    )
    validated = validate_projects(received, params.validate_, file=raw.projects.name)
    return validated, vocabulary, tuple(find_warnings(vocabulary, validated.used_tags))


def describe_sources(raw: Raw) -> dict[str, dict[str, object]]:
    """What was received, as validation.json and the manifest tell it."""
    return {name: describe_source(getattr(raw, name).data) for name in ("projects", "vocabulary")}

"""Both inputs read, checked and reported."""

from __future__ import annotations

from dataclasses import dataclass

from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.check_rows import ValidatedProjects, validate_projects
from tagpipe.steps.validate.read_projects import read_projects
from tagpipe.steps.validate.received_rows import Progress
from tagpipe.steps.validate.report import describe_source, validation_report
from tagpipe.tables.reports.validation import ValidationReport
from tagpipe.vocabulary.lint import find_warnings
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


@dataclass(frozen=True)
class Validation:
    """Both inputs, checked."""

    projects: ValidatedProjects
    vocabulary: Vocabulary
    report: ValidationReport


def validate(raw: Raw, params: ValidateParams, *, progress: Progress | None = None) -> Validation:
    """Check both inputs. progress: called with (bytes parsed, bytes in all). Raises InputError or GuardError.

    Warnings go by the spelling alone: what people have told apart (not-same.json) shapes no dataset, so it is no input
    of this step. `tagpipe vocab check` goes by it.
    """
    vocabulary = read_vocabulary(raw.vocabulary.data[:], raw.vocabulary.suffix, file=raw.vocabulary.name)
    received = read_projects(raw.projects.data, raw.projects.suffix, params, file=raw.projects.name, progress=progress)
    projects = validate_projects(received, params, file=raw.projects.name)
    warnings = find_warnings(vocabulary, projects.used_tags)
    sources = {name: describe_source(raw.file(name).data) for name in ("projects", "vocabulary")}
    return Validation(projects, vocabulary, validation_report(projects, vocabulary, warnings, sources))

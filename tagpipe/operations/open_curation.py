"""The vocabulary and people's decisions about tags, as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagpipe.curation.log import LogLine
from tagpipe.errors import ConfigError
from tagpipe.io.repository.curation_files import read_ignored, read_not_same
from tagpipe.io.repository.layout import PARAMS_FILE, Layout, repository_layout
from tagpipe.io.repository.yaml_file import read_params
from tagpipe.io.runs.edit_log import read_log
from tagpipe.io.sources.sources import fetch_source
from tagpipe.io.versions.usage import find_usage
from tagpipe.params import Params, Source
from tagpipe.vocabulary.curation_lists import DistinctNames, Ignored
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_tag


@dataclass(frozen=True, eq=False)
class VocabularyFile:
    """The vocabulary's file as it is now. Its entries may have errors that keep them from making a vocabulary."""

    layout: Layout
    params: Params
    data: bytes
    entries: tuple[Entry, ...]

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return self.params.source.vocabulary

    @property
    def path(self) -> Path:
        """Where the file is. Raises ConfigError for a vocabulary that comes from a url."""
        if self.source.path is None:
            raise ConfigError(
                "the vocabulary comes from a url, so it cannot be edited here",
                file=PARAMS_FILE,
                field="source.vocabulary.url",
                fix="Edit it where it comes from and run `tagpipe refresh`; or put the file into data/source and name "
                "it in params.yaml, as in `vocabulary: {path: vocabulary.json}`",
            )
        return self.layout.dep("fetch", "source") / self.source.path

    @property
    def relative_path(self) -> str:
        """Its path in the dataset repository. Raises as `path` does."""
        return self.path.relative_to(self.layout.root).as_posix()


@dataclass(frozen=True, eq=False)
class Curation:
    """All that people have decided about tags: the vocabulary, which has no error, the two lists, and the log."""

    file: VocabularyFile
    vocabulary: Vocabulary
    ignored: Ignored
    not_same: DistinctNames
    log: tuple[LogLine, ...]

    @property
    def layout(self) -> Layout:
        """Where all of it is."""
        return self.file.layout


def read_vocabulary_file(root: Path) -> VocabularyFile:
    """Read the vocabulary's file. Raises InputError where the file cannot be read as a vocabulary."""
    layout = repository_layout(root)
    params = read_params(layout.params_file)
    source = params.source.vocabulary
    data = fetch_source(layout, "vocabulary", source, params.source.download).data
    return VocabularyFile(layout, params, data, read_entries(data, source.suffix, file=source.location))


def open_curation(root: Path) -> Curation:
    """Read the vocabulary and the decisions. Raises InputError where one of them cannot be read, or has errors."""
    file = read_vocabulary_file(root)
    vocabulary = vocabulary_of(file.entries, file=file.source.location)
    layout = file.layout
    return Curation(file, vocabulary, read_ignored(layout), read_not_same(layout), read_log(layout))


def gather_evidence(curation: Curation, *, forms: Sequence[str] = (), tags: Sequence[str] = ()) -> dict[str, int]:
    """For each name in an edit, the projects that have it in the version last built; empty if none is built.

    n_projects: of the first form; support: of the first tag, before the cut; n_projects_of_2 and so on: of further
    ones.
    """
    usage = find_usage(curation.layout)
    if usage is None:
        return {}
    numbers = {
        "n_projects": [usage.counts.get(normalize_tag(form), 0) for form in forms],
        "support": [usage.support.get(resolve_tag(curation.vocabulary, tag) or tag, 0) for tag in tags],
    }
    return {
        name if place == 1 else f"{name}_of_{place}": value
        for name, values in numbers.items()
        for place, value in enumerate(values, start=1)
    }

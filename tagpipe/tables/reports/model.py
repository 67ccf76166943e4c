"""What all models of reports have in common, and what is wrong with a file that does not fit its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tagpipe.errors import escape_shown

T = TypeVar("T")

# Strict in all its parts, but JSON has no tuples: a list is meant.
Several = Annotated[tuple[T, ...], Field(strict=False)]
TagCount = Annotated[tuple[str, int], Field(strict=False)]
"""A tag or another name, and the projects with it."""

Counts = dict[str, int]
"""Name -> how many, in the order of the file."""


class ReportPart(BaseModel):
    """An object within a report.

    Nothing is coerced. A field without a default must be there; one with a default is read by nobody, so that a file
    without it may still be read. Further keys, of another version of tagpipe, are let through and kept.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class Report(ReportPart):
    """A whole file."""

    OUTPUT: ClassVar[tuple[str, str]]
    """The stage that writes the file, and its name there."""

    def as_dict(self) -> dict[str, object]:
        """The file's keys and values, in its order, as `json.dumps` takes them."""
        return self.model_dump(by_alias=True)


_EXPECTED = {
    "missing": "the field to be there",
    "model_type": "an object",
    "dict_type": "an object",
    "too_long": "a list of two",
}
"""pydantic's names of what went wrong, where its own words speak of Python."""


@dataclass(frozen=True)
class FormError:
    """Where a file is not of the form of its model."""

    field: str
    found: str
    expected: str


def describe_form_error(error: ValidationError) -> FormError:
    """The first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    location, kind = first["loc"], first["type"]
    if kind == "tuple_type":  # of the two kinds of tuples, only a pair stands within a list
        expected = "a list of two" if isinstance(location[-1], int) else "a valid list"
    else:
        expected = _EXPECTED.get(kind) or first["msg"].removeprefix("Input should be ")
    return FormError(".".join(map(str, location)) or "the file", escape_shown(first["input"]), expected)

"""Holds a YAML document to a section, and names every fault by its place in the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from assets.dataset_file.document import Document, KeyPath, Position, read
from assets.dataset_file.faults import Fault
from assets.dataset_file.section import UNQUOTED, Section
from assets.dataset_file.sections import section_at, value_at
from assets.dataset_file.wording import expectation

S = TypeVar("S", bound=Section)


def misreadings(path: Path, document: Document) -> list[Fault]:
    """What is wrong with a file as YAML."""
    return [Fault(path, m.at.line, m.at.column, m.key, None, m.expected) for m in document.misread]


def read_document(path: Path, largest_bytes: int) -> tuple[Document, list[Fault]]:
    """A YAML file, and what is wrong with it as a file and as YAML."""
    try:
        content = path.read_bytes()
    except OSError as error:
        expected = f"a file that can be read ({error.strerror})"
        return Document(None), [Fault(path, 1, None, (), None, expected)]
    if len(content) > largest_bytes:
        expected = f"a file of at most {largest_bytes} bytes, not {len(content)}"
        return Document(None), [Fault(path, 1, None, (), None, expected)]
    document = read(content)
    return document, misreadings(path, document)


def validated(
    section: type[S], path: Path, document: Document, data: Any
) -> tuple[S | None, list[Fault]]:
    """What data say, and their faults by the places of the document that they come from."""
    try:
        return section.model_validate(data), []
    except ValidationError as error:
        return None, [*_faults(section, path, document, error)]


def _faults(
    section: type[Section], path: Path, document: Document, error: ValidationError
) -> Iterator[Fault]:
    for details in error.errors():
        if not _follows(document, details):
            yield _fault(section, path, document, details)


def _fault(section: type[Section], path: Path, document: Document, details: ErrorDetails) -> Fault:
    key = _key_in(document, details["loc"])
    where = section_at(section, document.data, key[:-1])
    expected = expectation(details, where)
    place, at = _place(document, key)
    if _unquoted(where, key):
        return Fault(path, at.line, at.column, place, None, expected)
    if details["type"] == "missing":
        return Fault(path, at.line, None, key, None, expected)
    if details["type"] == "extra_forbidden" or details["loc"][-1:] == ("[key]",):
        at = document.keys.get(place, at)
    elif details["type"] == "union_tag_invalid":
        place, at = _place(document, (*place, "kind"))
    return Fault(path, at.line, at.column, place, at.written, expected)


def _unquoted(section: type[Section] | None, key: KeyPath) -> bool:
    field = section.model_fields.get(str(key[-1])) if section and key else None
    return field is not None and field.json_schema_extra == UNQUOTED


def _follows(document: Document, details: ErrorDetails) -> bool:
    """Whether a list counts as short only because entries of it are faulty themselves."""
    if details["type"] != "too_short":
        return False
    written = value_at(document.data, _key_in(document, details["loc"]))
    return len(written) >= int(details["ctx"]["min_length"])


def _key_in(document: Document, loc: KeyPath) -> KeyPath:
    """The key path of an error, without the tags that pydantic puts in for unions."""
    key: KeyPath = ()
    for i, part in enumerate(loc):
        if (*key, part) in document.values or i == len(loc) - 1:
            key = (*key, part)
    return key


def _place(document: Document, key: KeyPath) -> tuple[KeyPath, Position]:
    """The nearest part of a key path that is in the file, and where it stands there."""
    while key and key not in document.values:
        key = key[:-1]
    return key, document.values.get(key, Position(1))

"""Finds the section of the models that a place of the dataset file belongs to."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from assets.dataset_file.document import KeyPath
from assets.dataset_file.section import Section


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Every section that an annotation names, through unions, tuples and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from sections_in(part)


def kind_of(section: type[Section]) -> str | None:
    """The one value of a section's `kind`, where it has such a key."""
    kind = section.model_fields.get("kind")
    values = get_args(kind.annotation) if kind else ()
    return values[0] if len(values) == 1 else None


def section_at(root: type[Section], data: Any, key: KeyPath) -> type[Section] | None:
    """The section that the mapping at a key path is, None where it is a free mapping."""
    candidates = [root]
    for part in key:
        if isinstance(part, str):
            section = _of_kind(candidates, data)
            field = section.model_fields.get(part) if section else None
            candidates = list(sections_in(field.annotation)) if field else []
        data = value_at(data, (part,))
    return _of_kind(candidates, data)


def value_at(data: Any, key: KeyPath) -> Any:
    """The value at a key path; None where there is none."""
    for part in key:
        named = isinstance(data, dict) and part in data
        counted = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not (named or counted):
            return None
        data = data[part]
    return data


def _of_kind(candidates: Sequence[type[Section]], data: Any) -> type[Section] | None:
    if len(candidates) == 1:
        return candidates[0]
    return next((c for c in candidates if kind_of(c) == value_at(data, ("kind",))), None)

"""Classes out of the file that `ontology.source` names, put in their place in the dataset file.

What is loaded holds every class by itself: a recipe made of it needs the file no more.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assets.dataset_file.document import Document, KeyPath
from assets.dataset_file.faults import Fault
from assets.dataset_file.graphs import FORMATS, read_graph
from assets.dataset_file.ontology import Classes, OntologyClass
from assets.dataset_file.sections import value_at
from assets.dataset_file.validation import read_document, validated

CLASSES: KeyPath = ("ontology", "classes")
SOURCE: KeyPath = ("ontology", "source")
LARGEST_SOURCE_BYTES = 20_000_000
_YAML = (".yaml", ".yml")
_LISTS = ("parent", "terms", "excludes")


def with_source(path: Path, document: Document) -> tuple[Any, list[Fault]]:
    """The document's data with its ontology's source put in, and what is wrong with it."""
    source = value_at(document.data, SOURCE)
    if not isinstance(source, str):
        return document.data, []
    root = path.parent.parent.resolve()
    file = (root / source).resolve()
    expected = _unusable(root, file)
    if expected:
        at = document.values[SOURCE]
        return document.data, [Fault(path, at.line, at.column, SOURCE, at.written, expected)]
    classes, faults = _classes(file, document)
    if classes is None:
        return document.data, faults
    rows, unknown = _merged(classes, path, document)
    ontology = {**document.data["ontology"], "classes": rows}
    return {**document.data, "ontology": ontology}, unknown


def _unusable(root: Path, file: Path) -> str | None:
    """What was expected instead of a path; None where there is a file to read."""
    if not file.is_relative_to(root):
        return f"a file below the project's folder {root}"
    if not file.is_file():
        return f"a file that is there; there is none at {file}"
    if file.suffix not in (*_YAML, *FORMATS):
        return f"a file that ends in {', '.join((*_YAML, *FORMATS))}"
    return None


def _classes(
    file: Path, document: Document
) -> tuple[tuple[OntologyClass, ...] | None, list[Fault]]:
    if file.suffix in FORMATS:
        languages = value_at(document.data, ("ontology", "languages"))
        spoken = languages if isinstance(languages, list) and languages else ["en"]
        return read_graph(file, [str(each) for each in spoken], LARGEST_SOURCE_BYTES)
    found, faults = read_document(file, LARGEST_SOURCE_BYTES)
    if not found.values:
        return None, faults
    section, unfit = validated(Classes, file, found, found.data)
    return (None if faults or section is None else section.classes), faults + unfit


def _merged(
    classes: tuple[OntologyClass, ...], path: Path, document: Document
) -> tuple[list[Any], list[Fault]]:
    """The source's classes, those that the dataset file lists first and with what it adds."""
    rows = {each.name: each.model_dump() for each in classes}
    listed = value_at(document.data, CLASSES)
    if not isinstance(listed, list):
        return list(rows.values()), []
    first: list[Any] = []
    faults = []
    for i, entry in enumerate(listed):
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            first.append(entry)
        elif name in rows:
            first.append(_added(rows[name], entry if isinstance(entry, dict) else {}))
        else:
            faults.append(_unknown(name, (*CLASSES, i), path, document, list(rows)))
    named = {row["name"] for row in first if isinstance(row, dict) and "name" in row}
    rest = [{**row, "group": True} for name, row in rows.items() if name not in named]
    return [*first, *rest], faults


def _added(row: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """A class of the source with what the dataset file says of it; lists grow."""
    merged: dict[str, Any] = {**row, **entry}
    for field in _LISTS:
        more = entry.get(field, ())
        more = (more,) if isinstance(more, str) else more
        if isinstance(more, list | tuple):
            merged[field] = list(dict.fromkeys([*row[field], *more]))
    return merged


def _unknown(name: str, key: KeyPath, path: Path, document: Document, known: list[str]) -> Fault:
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    at = document.values[key]
    return Fault(path, at.line, at.column, key, name, f"a class of the source{hint}")

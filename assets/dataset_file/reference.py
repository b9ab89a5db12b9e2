"""Writes the reference of the dataset file out of its models: docs/dataset-file.md.

`python -m assets.dataset_file.reference > docs/dataset-file.md` brings the page up to date.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from assets.dataset_file.models import Dataset
from assets.dataset_file.section import CLASS_NAME, NAME, Section
from assets.dataset_file.sections import kind_of, sections_in

_HEAD = """# The dataset file

Made from the models in assets/dataset_file/models.py by `python -m assets.dataset_file.reference`;
do not edit it by hand.

A dataset is one file, datasets/NAME.yaml, in YAML 1.2: `no` and `12:30` are text, `1e-3` is a
number. Anchors and aliases are not supported. A key that is not listed here is a fault. All
faults of a file are named at once, each with its line, its value and what was expected; a faulty
file does not take the other datasets down.
"""
_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "any value",
}
_PATTERNS = {NAME: "a name", CLASS_NAME: "text of one line"}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}


def reference() -> str:
    """The page, in Markdown."""
    titles: dict[type[Section], list[str]] = {}
    for section, title in _walk(Dataset, ""):
        titles.setdefault(section, []).append(title)
    return "\n".join([_HEAD, *(_section(part, ", ".join(names)) for part, names in titles.items())])


def _walk(section: type[Section], title: str) -> Iterator[tuple[type[Section], str]]:
    """Every section from one downwards, with its place in the file."""
    yield section, title
    for name, field in section.model_fields.items():
        inner = list(sections_in(field.annotation))
        many = "[]" if get_origin(field.annotation) is tuple else ""
        for part in inner:
            kind = f" (kind: {kind_of(part)})" if len(inner) > 1 else ""
            yield from _walk(part, f"{title}.{name}{many}{kind}".removeprefix("."))


def _section(section: type[Section], title: str) -> str:
    rows = [_row(name, field) for name, field in section.model_fields.items()]
    head = [f"## {title}" if title else "## The file", "", section.__doc__ or "", ""]
    table = ["| key | what it may be | default | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join([*head, *table])


def _row(name: str, field: FieldInfo) -> str:
    cells = [f"`{name}`", _kind(field), _default(field), field.description or ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(field: FieldInfo) -> str:
    bounds = [_bound(limit) for limit in field.metadata]
    return ", ".join([_words(field.annotation), *filter(None, bounds)])


def _words(annotation: Any) -> str:
    """What an annotation allows, in words."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list, each a {_words(args[0])}"
    if any(sections_in(annotation)):
        return "section"
    if origin is dict:
        return f"mapping; keys: {_words(args[0])}; values: {_words(args[1])}"
    if hasattr(annotation, "__metadata__"):
        inner, *limits = args
        bounds = [_bound(b) for limit in limits for b in getattr(limit, "metadata", [limit])]
        return ", ".join([_words(inner), *filter(None, bounds)])
    return _PLAIN.get(annotation) or _choice(origin, args)


def _choice(origin: Any, args: tuple[Any, ...]) -> str:
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in args)
    return " or ".join(_words(part) for part in args if part is not type(None))


def _bound(limit: Any) -> str:
    for kind, (attribute, word) in _BOUNDS.items():
        if isinstance(limit, kind):
            return f"{word} {getattr(limit, attribute):g}"
    if isinstance(limit, MinLen):
        return f"at least {limit.min_length} of them"
    return _PATTERNS.get(getattr(limit, "pattern", ""), "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Section):
        return ""
    return "none" if value is None else f"`{json.dumps(value)}`"


if __name__ == "__main__":
    sys.stdout.write(reference())

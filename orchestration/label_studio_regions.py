"""Regions as Label Studio writes them: RectangleLabels in per cent of the picture, Labels in text.

https://labelstud.io/tags/rectanglelabels and https://labelstud.io/tags/labels
"""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any

from quality.regions.errors import RegionInvalid
from quality.regions.region import Region, box, from_text, label_of, span, to_text

TAGS = {"boxes": "RectangleLabels", "spans": "Labels"}
_KIND = {"boxes": "rectanglelabels", "spans": "labels"}
# What Label Studio says beside regions: no part of the judgment.
_REMARKS = {"textarea", "choices", "rating", "relation", "number", "datetime", "taxonomy"}
_SLACK_PIXELS = 1.0
_TURN = 1e-6


def drawn_results(
    region: str, *, control: str, target: str, size: tuple[int, int] | None, text: str | None
) -> list[dict[str, Any]]:
    """The results that show a set of regions.

    Args:
        region: The set as canonical text.
        control: Name of the control tag.
        target: Name of the object tag.
        size: Width and height of the picture in pixels, for boxes.
        text: The whole text, for spans.
    """
    names = {"from_name": control, "to_name": target}
    return [
        {"id": f"r{place}", **names, **_result(found, size, text or "")}
        for place, found in enumerate(from_text(region))
    ]


def picture_size(picture: Any) -> tuple[int, int] | None:
    """Width and height of a picture: its bytes, or a data URI; None where it is none."""
    from PIL import Image, UnidentifiedImageError

    try:
        content = picture
        if isinstance(picture, str):
            content = base64.b64decode(picture.partition(",")[2], validate=True)
        with Image.open(io.BytesIO(content)) as image:
            return (int(image.width), int(image.height))
    except (UnidentifiedImageError, binascii.Error, TypeError, ValueError, OSError):
        return None


def read_regions(annotation: Mapping[str, Any], text: Any, task: str) -> tuple[str, str] | str:
    """Label and canonical text of what an annotation drew, or why it cannot be read.

    An annotation without any region says that there is none.

    Args:
        annotation: Full JSON, or a record of JSON_MIN.
        text: The text that the task showed, for spans.
        task: `boxes` or `spans`.
    """
    results = _results(annotation, task)
    if isinstance(results, str):
        return results
    drawn: list[Region] = []
    for result in results:
        if not isinstance(result, dict) or not isinstance(result.get("value"), dict):
            return "a result without a value"
        kind = str(result.get("type"))
        if kind in _REMARKS:
            continue
        if kind != _KIND[task]:
            return f"a region of type {kind}; expected {TAGS[task]}"
        try:
            drawn.append(_box(result) if task == "boxes" else _span(result["value"], text))
        except RegionInvalid as error:
            return error.reason
    return label_of(drawn), to_text(drawn)


def _result(found: Region, size: tuple[int, int] | None, text: str) -> dict[str, Any]:
    if len(found.geometry) == 2:  # noqa: PLR2004 - start and end
        start, end = (int(side) for side in found.geometry)
        value = {"start": start, "end": end, "text": text[start:end], "labels": [found.label]}
        return {"type": "labels", "value": value} | _sure(found)
    if size is None:
        raise RegionInvalid(found, "a box needs the size of its picture")
    percent = [100 * side / whole for side, whole in zip(found.geometry, size * 2, strict=True)]
    value = dict(zip(("x", "y", "width", "height"), percent, strict=True))
    return {
        "type": "rectanglelabels",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "value": value | {"rotation": 0, "rectanglelabels": [found.label]},
    } | _sure(found)


def _sure(found: Region) -> dict[str, Any]:
    return {} if found.score is None else {"score": found.score}


def _results(annotation: Mapping[str, Any], task: str) -> Sequence[Any] | str:
    """The results of an annotation, those of JSON_MIN in the form of full JSON."""
    if "result" in annotation:
        results = annotation["result"]
        return results if isinstance(results, list) else "its result is no list"
    rows = annotation.get("label", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return f"its answer is no list of {TAGS[task]}"
    return [{**row, "type": _KIND[task], "value": row} for row in rows]


def _named(value: Mapping[str, Any], task: str) -> str:
    labels = value.get(_KIND[task])
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str):
        raise RegionInvalid(labels, f"a region of {len(labels or ())} classes, expected one")
    return labels[0].encode("utf-8", "replace").decode()


def _box(result: Mapping[str, Any]) -> Region:
    value = result["value"]
    label = _named(value, "boxes")
    size = [result.get("original_width"), result.get("original_height")]
    if not all(isinstance(side, int | float) and side > 0 for side in size):
        raise RegionInvalid(size, "a box without the size of its picture (original_width, _height)")
    turned = value.get("rotation") or result.get("image_rotation") or 0
    if not isinstance(turned, int | float) or abs(turned) > _TURN:
        raise RegionInvalid(turned, f"a box turned by {turned} degrees; draw it upright")
    percent = [value.get(name) for name in ("x", "y", "width", "height")]
    if not all(isinstance(part, int | float) for part in percent):
        raise RegionInvalid(percent, "a box whose x, y, width or height is no number")
    x, y, width, height = (
        part * side / 100 for part, side in zip(percent, [*size, *size], strict=True)
    )
    return _within(box(label, x, y, width, height), size)


def _within(found: Region, size: Sequence[Any]) -> Region:
    """The box, cut at the picture's edge: people draw over it. Raises RegionInvalid."""
    left, top, right, bottom = found.sides
    over = max(-left, -top, right - size[0], bottom - size[1])
    if over > _SLACK_PIXELS:
        raise RegionInvalid(found, f"a box {over:g} pixels outside of its picture")
    if over <= 0:
        return found
    left, top = max(left, 0.0), max(top, 0.0)
    return box(found.label, left, top, min(right, size[0]) - left, min(bottom, size[1]) - top)


def _span(value: Mapping[str, Any], text: Any) -> Region:
    """A span in characters; older Label Studios count an emoji as two."""
    label = _named(value, "spans")
    start, end = (_whole(value.get(name), name) for name in ("start", "end"))
    if not isinstance(text, str):
        return span(label, start, end)
    said = value.get("text")
    if isinstance(said, str) and text[start:end] != said:
        units = text.encode("utf-16-le")
        start, end = (
            len(units[: 2 * place].decode("utf-16-le", "ignore")) for place in (start, end)
        )
        if text[start:end] != said:
            raise RegionInvalid(value, f"its text '{said[:40]}' is not at {start} to {end}")
    if end > len(text):
        raise RegionInvalid(value, f"a span that ends at {end} of {len(text)} characters")
    return span(label, start, end)


def _whole(value: Any, name: str) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise RegionInvalid(value, f"its {name} is no whole number: {str(value)[:40]}") from error

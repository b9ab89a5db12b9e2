"""One region, and the canonical text of what one actor drew on one item."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quality.regions.errors import RegionInvalid

NOTHING = "nothing"
LABEL = rf"^({NOTHING}|.+ #[0-9a-f]{{12}})$"
"""What the label of a set of regions looks like, as a regular expression."""
_PIXEL_DIGITS = 2
_SCORE_DIGITS = 4
_NAMED = 5
_DIGEST = 12
_SPAN = 2


@dataclass(frozen=True, order=True)
class Region:
    """A box on an image or a span in a text, of a class.

    Attributes:
        label: The class.
        geometry: A box's left, top, width and height in pixels, or a span's start and end (the
            place after its last character) in characters.
        score: How sure the actor is; None where it does not say.
    """

    label: str
    geometry: tuple[float, ...]
    score: float | None = None

    @property
    def sides(self) -> tuple[float, ...]:
        """Lower ends, then upper ends: left, top, right, bottom; or start, end."""
        if len(self.geometry) == _SPAN:
            return self.geometry
        x, y, width, height = self.geometry
        return (x, y, x + width, y + height)


def box(  # noqa: PLR0917 - in the order that everybody writes a box in
    label: str, x: float, y: float, width: float, height: float, score: float | None = None
) -> Region:
    """A box, rounded to hundredths of a pixel.

    Raises:
        RegionInvalid: a number is not finite, or the box has no area.
    """
    numbers = (_finite("x", x), _finite("y", y), _finite("width", width), _finite("height", height))
    rounded = tuple(round(number, _PIXEL_DIGITS) + 0.0 for number in numbers)
    if min(rounded[2:]) <= 0:
        raise RegionInvalid(numbers, "width and height must be above 0")
    return Region(_class(label), rounded, _score(score))


def span(label: str, start: int, end: int, score: float | None = None) -> Region:
    """A span of characters, from start up to but without end.

    Raises:
        RegionInvalid: an end is no whole number, start is negative, or end is not after start.
    """
    numbers = [_finite("start", start), _finite("end", end)]
    if any(number != int(number) for number in numbers):
        raise RegionInvalid((start, end), "start and end must be whole numbers")
    if not 0 <= numbers[0] < numbers[1]:
        raise RegionInvalid((start, end), "start must be 0 or more and end after it")
    return Region(_class(label), (int(start), int(end)), _score(score))


def from_sides(label: str, sides: Sequence[float], score: float | None = None) -> Region:
    """The region with these lower and upper ends. Raises RegionInvalid."""
    if len(sides) == _SPAN:
        return span(label, int(sides[0]), int(sides[1]), score)
    left, top, right, bottom = (float(side) for side in sides)
    return box(label, left, top, right - left, bottom - top, score)


def canonical(regions: Iterable[Region]) -> tuple[Region, ...]:
    """The regions in their order, each once; of two that differ in score the surer one."""
    best: dict[tuple[str, tuple[float, ...]], Region] = {}
    for region in regions:
        place = (region.label, region.geometry)
        known = best.get(place)
        if known is None or (region.score or 0) > (known.score or 0):
            best[place] = region
    return tuple(best[place] for place in sorted(best))


def to_text(regions: Iterable[Region]) -> str:
    """The set as canonical JSON: equal sets are equal texts."""
    rows = [_plain(region) for region in canonical(regions)]
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_text(text: str) -> tuple[Region, ...]:
    """The set that `to_text` wrote. Raises RegionInvalid."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise RegionInvalid(text, f"no JSON ({error})") from error
    if not isinstance(rows, list):
        raise RegionInvalid(text, "expected a list of regions")
    return canonical(_region(row) for row in rows)


def label_of(regions: Iterable[Region]) -> str:
    """A short text that two sets share exactly where their classes and geometry are the same.

    For example `circle x2, square x1 #3fa9c1d20412`; `nothing` for the empty set.
    """
    kept = canonical(regions)
    if not kept:
        return NOTHING
    counts = sorted(Counter(r.label for r in kept).items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{label} x{count}" for label, count in counts[:_NAMED]]
    more = [f"{len(counts) - _NAMED} more"] if len(counts) > _NAMED else []
    places = json.dumps([[r.label, *r.geometry] for r in kept], separators=(",", ":"))
    digest = hashlib.sha256(places.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{', '.join(named + more)} #{digest}"


def _plain(region: Region) -> dict[str, Any]:
    kind = "span" if len(region.geometry) == _SPAN else "box"
    score = {} if region.score is None else {"score": region.score}
    return {"label": region.label, kind: list(region.geometry), **score}


def _region(row: Any) -> Region:
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
        raise RegionInvalid(row, "expected an object with label and box or span")
    label, score = row["label"], row.get("score")
    match row:
        case {"box": [x, y, width, height]}:
            return box(label, x, y, width, height, score)
        case {"span": [start, end]}:
            return span(label, start, end, score)
    raise RegionInvalid(row, "expected box: [x, y, width, height] or span: [start, end]")


def _class(label: str) -> str:
    if not label:
        raise RegionInvalid(label, "it has no class")
    return label


def _finite(name: str, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):  # type: ignore[arg-type]
        raise RegionInvalid(value, f"{name} must be a finite number")
    return float(value)  # type: ignore[arg-type]


def _score(score: object) -> float | None:
    return None if score is None else round(_finite("score", score), _SCORE_DIGITS)

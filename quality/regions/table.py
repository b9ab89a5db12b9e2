"""Rows of the regions table as sets of regions."""

from collections import defaultdict

import polars as pl

from quality.regions.region import Region, box, span

_SPAN = 2


def sets_of(regions: pl.DataFrame) -> dict[str, tuple[Region, ...]]:
    """By item, the regions of its rows of the REGIONS table with their confidence as score."""
    found: dict[str, list[Region]] = defaultdict(list)
    columns = regions.select("item_id", "label", "geometry", "confidence")
    for item, label, geometry, confidence in columns.iter_rows():
        found[item].append(_region(label, geometry, confidence))
    return {item: tuple(drawn) for item, drawn in found.items()}


def _region(label: str, geometry: list[float], confidence: float) -> Region:
    if len(geometry) == _SPAN:
        return span(label, int(geometry[0]), int(geometry[1]), confidence)
    x, y, width, height = geometry
    return box(label, x, y, width, height, confidence)

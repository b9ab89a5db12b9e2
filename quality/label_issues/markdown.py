"""Frames of label issues as Markdown tables."""

import polars as pl


def frame_table(frame: pl.DataFrame) -> str:
    """A frame as a Markdown table; null is an empty cell, a list its values with commas."""
    rows = [[_cell(value) for value in row] for row in frame.iter_rows()]
    lines = [frame.columns, ["---"] * frame.width, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

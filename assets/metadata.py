"""What people see of an asset in the Dagster UI: pictures, samples, schemas, links."""

import base64
from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets.runs import Run
from quality.schema import Table

SAMPLE_ROWS = 10


def picture(png: bytes) -> dg.MetadataValue[Any]:
    """A PNG, shown inline."""
    encoded = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{encoded})")


def sample(frame: pl.DataFrame, rows: int = SAMPLE_ROWS) -> dg.MetadataValue[Any]:
    """The first rows as a Markdown table."""
    head = frame.head(rows)
    lines = ["| " + " | ".join(head.columns) + " |", "|" + " --- |" * len(head.columns)]
    lines += ["| " + " | ".join(_cell(v) for v in row) + " |" for row in head.iter_rows()]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)
    short = text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004 - a cell's width
    return short.replace("|", "\\|").replace("\n", " ")


def column_schema(table: Table) -> dg.TableSchema:
    """A table's declared columns."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(dtype),
                constraints=dg.TableColumnConstraints(nullable=name in table.nullable),
            )
            for name, dtype in table.columns.items()
        ]
    )


def commit_metadata(run: Run, commit: str, path: str = "") -> dict[str, Any]:
    """Where the asset's data lies: commit, branch, and a link for people."""
    return {
        "commit": commit,
        "branch": run.branch.name,
        "dagster/uri": run.store.url(commit, path),
        "lakefs": dg.MetadataValue.url(run.store.url(commit)),
    }


def table_metadata(table: Table, frame: pl.DataFrame, columns: list[str]) -> dict[str, Any]:
    """Row count, schema and a sample of some columns of a table."""
    return {
        "dagster/row_count": frame.height,
        "dagster/column_schema": column_schema(table),
        "sample": sample(frame.select(columns)),
    }


def counts(values: Mapping[str, int]) -> dg.MetadataValue[Any]:
    """Counts by name as a Markdown table, largest first."""
    rows = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    frame = pl.DataFrame(rows, schema={"name": pl.String, "count": pl.Int64}, orient="row")
    return sample(frame, rows=50)

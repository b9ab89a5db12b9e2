"""How commands answer: tables and sentences for people, JSON for programs."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from assets.errors import AssetError, StoreUnavailable
from orchestration.errors import OrchestrationError
from orchestration.runner import Progress, RunFailed
from quality.errors import QualityError

FAILED = 1
WRONG_INPUT = 2
GATE_REFUSED = 3
STORE_UNAVAILABLE = 4
INTERRUPTED = 130

PIPED_WIDTH = 120


def _width(*, piped: bool) -> int | None:
    """A terminal's own width, or what COLUMNS says; a pipe or a file has room for a table."""
    return PIPED_WIDTH if piped and "COLUMNS" not in os.environ else None


console = Console(width=_width(piped=not sys.stdout.isatty()))
errors = Console(stderr=True)


def emit_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    json.dump(value, sys.stdout, default=_plain, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_rows(rows: Sequence[Mapping[str, Any]], *, title: str = "", empty: str) -> None:
    """Print rows as a table, or a sentence where there are none."""
    if not rows:
        console.print(empty)
        return
    table = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
    columns = {name: value for row in rows for name, value in row.items()}
    for name, value in columns.items():
        table.add_column(name, overflow="fold", no_wrap=isinstance(value, datetime | int))
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value).replace("[", r"\[")


def show_frame(frame: pl.DataFrame, *, as_json: bool, empty: str = "no rows") -> None:
    """Print a frame as a table or as JSON rows."""
    if as_json:
        emit_json(frame.to_dicts())
    else:
        show_rows(frame.to_dicts(), empty=empty)


@contextmanager
def answered() -> Iterator[None]:
    """Turn the project's own errors into a sentence and an exit code."""
    try:
        yield
    except (OrchestrationError, AssetError, QualityError) as error:
        errors.print(f"[red]{type(error).__name__}[/red]: {_cell(str(error))}", soft_wrap=True)
        raise typer.Exit(exit_code(error)) from error
    except OSError as error:
        errors.print(f"[red]{type(error).__name__}[/red]: {_cell(_told(error))}", soft_wrap=True)
        raise typer.Exit(FAILED) from error
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
        errors.print("interrupted; what was published stays, the command can be given again")
        raise typer.Exit(INTERRUPTED) from error


def _told(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    reason = (error.strerror or "failed").lower()
    return f"'{error.filename}': {reason}; see that it is there, and may be read and written"


def exit_code(error: Exception) -> int:
    """0 done, 1 failed, 2 wrong input, 3 the gate refused, 4 lakeFS does not answer."""
    if isinstance(error, StoreUnavailable):
        return STORE_UNAVAILABLE
    if isinstance(error, RunFailed):
        return (
            GATE_REFUSED if any(c.startswith("snapshot.") for c in error.failed_checks) else FAILED
        )
    return (
        WRONG_INPUT if isinstance(error, LookupError | ValueError | FileNotFoundError) else FAILED
    )


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A spinner on standard error that names the step under way."""
    if quiet or not errors.is_terminal:
        yield lambda _: None
        return
    with errors.status(what) as status:
        yield lambda step: status.update(f"{what}: {step}")

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        "-p",
        help="The project's folder; else HALLMARK_PROJECT, else upward from here.",
        show_default=False,
    ),
]
DatasetArgument = Annotated[
    str | None,
    typer.Argument(help="Name of the dataset; may be left out where there is only one."),
]
DatasetOption = Annotated[
    str | None,
    typer.Option("--dataset", "-d", help="Name of the dataset, where there are several."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
AtOption = Annotated[
    str, typer.Option("--at", help="A release (v0001), commit id, or branch; main by default.")
]

"""Commands around a project: init, up, demo and doctor."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import JsonOption, ProjectOption
from orchestration.cli.output import FAILED, answered, console, emit_json
from orchestration.project import open_project


def init(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, or is empty.")],
    example: Annotated[
        str, typer.Option("--example", help="Start from: empty, digits or reviews.")
    ] = "empty",
) -> None:
    """Make a project's folder.

    Example: hallmark init my-labels --example reviews
    """
    from orchestration.scaffold import scaffold

    with answered():
        made = scaffold(folder, example)
    first = "write datasets/NAME.yaml (docs/dataset-file.md), " if example == "empty" else ""
    console.print(f"made {made}; next: {first}drop files into inbox/NAME, then `hallmark ingest`")


def up(
    project: ProjectOption = None,
    port: Annotated[int | None, typer.Option(help="Port of the Dagster UI.")] = None,
) -> None:
    """Serve the project: lakeFS, the Dagster UI and daemon. One Ctrl-C stops all.

    Example: hallmark up --project demo
    """
    from orchestration.serving import serve

    with answered():
        serve(open_project(project), port=port, tell=console.print)


def demo(
    folder: Annotated[Path, typer.Argument(help="The demo's project folder.")] = Path("demo"),
    reset: Annotated[bool, typer.Option("--reset", help="Start over.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole chain on handwritten digits, with simulated reviewers.

    Example: hallmark demo --reset
    """
    from orchestration.demo.story import tell

    with answered():
        found = tell(folder, reset=reset)
    if as_json:
        emit_json(found)


def doctor(project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """Check settings, connection, disk and versions, and say what to do.

    Exits with 1 where something is wrong.

    Example: hallmark doctor
    """
    from orchestration.doctor import examine

    with answered():
        findings = examine(project)
    if as_json:
        emit_json([asdict(f) for f in findings])
    else:
        marks = {
            True: "[green]ok   [/green]",
            False: "[red]wrong[/red]",
            None: "[yellow]look [/yellow]",
        }
        for f in findings:
            console.print(f"{marks[f.ok]} {f.name}: {f.saw}", highlight=False, soft_wrap=True)
            if f.ok is not True and f.advice:
                console.print(f"      {f.advice}", style="dim", soft_wrap=True)
    if any(f.ok is False for f in findings):
        raise typer.Exit(FAILED)

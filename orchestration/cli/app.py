"""The command line: every command, its help and its exit codes."""

import os
from collections.abc import Callable

import typer

from orchestration.cli import act, look, serve
from orchestration.cli.lakefs import lakefs

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong input, 3 the gate refused, 4 lakeFS does not answer, "
    "130 interrupted."
)
WORK, LOOK, PROJECT = "Run the chain", "Look", "Project"

app = typer.Typer(
    name="hallmark",
    help="Keep labeled datasets honest: every label traced to its votes, every release gated.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    PROJECT: (serve.init, serve.up, serve.demo, serve.doctor),
    WORK: (act.ingest, act.snapshot, act.retrain),
    LOOK: (look.status, look.releases, look.sql, look.trace, look.diff),
}
for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(act.review, name="review", rich_help_panel=WORK)
app.add_typer(lakefs, name="lakefs", rich_help_panel=PROJECT)


def main() -> None:
    """Entry point of `hallmark`."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    app()

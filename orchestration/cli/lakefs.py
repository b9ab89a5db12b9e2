"""Commands around lakeFS: collect garbage, check the embedded store, move to a real server."""

from typing import Annotated

import typer

from orchestration.cli.chosen import choose
from orchestration.cli.options import DatasetArgument, JsonOption, ProjectOption
from orchestration.cli.output import answered, console, emit_json, progress
from orchestration.project import open_project
from orchestration.store import embedded

lakefs = typer.Typer(no_args_is_help=True, help="The embedded lakeFS, and the way to a real one.")


@lakefs.command("gc")
def gc(
    project: ProjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what no commit, branch or recent upload needs. The server must not be running.

    Example: hallmark lakefs gc --dry-run
    """
    with answered():
        found = embedded.collect(open_project(project).lakefs_data(), dry_run=dry_run)
    if as_json:
        emit_json(found)
        return
    verb = "would remove" if dry_run else "removed"
    console.print(f"{verb} {found['blobs']} blobs ({found['bytes']:,} bytes)")


@lakefs.command("stop")
def stop(project: ProjectOption = None) -> None:
    """Stop the embedded server of a project; the next command starts it again.

    Example: hallmark lakefs stop
    """
    with answered():
        stopped = embedded.stop(open_project(project).lakefs_data())
    console.print("stopped" if stopped else "no server was running")


@lakefs.command("push")
def push(
    endpoint: Annotated[str, typer.Argument(help="Address of the other lakeFS server.")],
    storage_namespace: Annotated[
        str, typer.Option("--storage-namespace", help="For example s3://bucket/hallmark.")
    ] = "",
    dataset: DatasetArgument = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a dataset's history on another server: every commit, tag and digest checked.

    The other server's keys are read from HALLMARK_PUSH_ACCESS_KEY_ID and
    HALLMARK_PUSH_SECRET_ACCESS_KEY. Run again, it goes on where it was.

    Example: hallmark lakefs push https://lakefs.example.org --storage-namespace s3://labels
    """
    from orchestration.moving import move

    with answered():
        chosen = choose(project, dataset)
        with progress("push", quiet=as_json) as told:
            moved = move(chosen.project, chosen.dataset.name, endpoint, storage_namespace, told)
    if as_json:
        emit_json(moved)
    else:
        console.print(
            f"{moved['replayed']} commits, {moved['objects']} objects "
            f"({moved['bytes']:,} bytes), {len(moved['tags'])} tags are there, all checked"
        )

"""The server's own command line: `python -m infra.lakefs serve | gc | check`."""

import argparse
import json
import os
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path

from infra.lakefs import check, gc
from infra.lakefs.errors import LakeFSError, StoreError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 says that the folder could not be served or is damaged."""
    # Everything the server writes is for its user alone.
    os.umask(0o077)
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except StoreError as error:
        reason = str(error)
    except (LakeFSError, OSError, sqlite3.Error) as error:
        reason = f"{options.root} cannot be used: {error}"
    sys.stderr.write(f"{reason}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.lakefs", description=__doc__)
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="serve lakeFS's HTTP API from a folder")
    serve.add_argument("--root", type=Path, required=True, help="the folder")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve.add_argument("--presign", action="store_true", help="offer pre-signed URLs")
    serve.add_argument("--access-log", action="store_true", help="one JSON line per request")
    serve.add_argument(
        "--idle-exit", type=float, metavar="SECONDS", help="end when nobody asked for so long"
    )
    serve.add_argument(
        "--allow-import", type=Path, action="append", default=[], help="import from this folder"
    )
    serve.set_defaults(run=_serve)
    collect = commands.add_parser("gc", help="remove what nothing refers to; stop the server first")
    collect.add_argument("--root", type=Path, required=True, help="the folder")
    collect.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    collect.set_defaults(run=_gc)
    verify = commands.add_parser("check", help="read every blob and name the damaged ones")
    verify.add_argument("--root", type=Path, required=True, help="the folder")
    verify.add_argument("--json", action="store_true", help="for programs")
    verify.set_defaults(run=_check)
    return parser


def _serve(options: argparse.Namespace) -> int:
    # gc and check start faster without HTTP.
    from infra.lakefs.serve import Options, serve

    serve(
        options.root,
        Options(
            host=options.host,
            port=options.port,
            presign=options.presign,
            access_log=options.access_log,
            import_roots=tuple(options.allow_import),
            idle_exit_seconds=options.idle_exit,
        ),
    )
    return 0


def _gc(options: argparse.Namespace) -> int:
    found = gc.collect(options.root, dry_run=options.dry_run)
    verb = "would remove" if options.dry_run else "removed"
    _say(f"{verb} {found.blobs} blobs ({found.bytes:,} bytes) and {found.nodes} tree nodes")
    return 0


def _check(options: argparse.Namespace) -> int:
    report = check.check(options.root)
    if options.json:
        _say(json.dumps(asdict(report)))
        return int(bool(report.damaged))
    for damage in report.damaged:
        users = f", needed by {', '.join(damage.used_by)}" if damage.used_by else ""
        _say(f"{damage.what} {damage.name}: {damage.why}{users}")
    _say(
        f"{report.blobs} blobs ({report.bytes:,} bytes) and {report.nodes} tree nodes read,"
        f" {len(report.damaged)} damaged"
    )
    return int(bool(report.damaged))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())

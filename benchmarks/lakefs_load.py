"""Measures the embedded lakeFS server over HTTP, beside the figures of a real lakeFS server.

python -m benchmarks.lakefs_load --sizes 100,1000,10000,100000

Needs the conformance suite in ../shared, whose load.py does the work. The real server's figures
(lakeFS of July 2026, local key-value and block store) were taken with the same load.py on another
machine with 2 cores: compare shapes and orders of magnitude.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.lakefs.process import start

SUITE = Path(__file__).parents[2] / "shared" / "conformance" / "lakefs"

# Per number of keys: fill/s, commit of all, list 100 and 1000, list everything,
# commit and diff of 1, 10 and 100 changes, merge of 1+1, create branch; ms.
REAL = {
    100: [529, 18, 2.4, 2.2, 2, 18, 18, 19, 1.9, 2.2, 2.9, 5, 16],
    1_000: [553, 28, 2.6, 9.5, 9, 20, 27, 22, 3.2, 3.5, 3.5, 10, 14],
    10_000: [566, 70, 4.9, 15, 125, 38, 38, 119, 15, 15, 47, 4, 14],
    100_000: [404, 800, 4.7, 23, 3460, 77, 154, 291, 36, 50, 265, 6.5, 15],
}
COLUMNS = {
    "fill/s": "fill uploads/s (8 threads)",
    "commit all": "commit of all keys",
    "list 100": "list 100",
    "list 1000": "list 1000",
    "list all": "list everything",
    "commit 1": "commit of 1 changes",
    "commit 10": "commit of 10 changes",
    "commit 100": "commit of 100 changes",
    "diff 1": "diff of 1 changes",
    "diff 10": "diff of 10 changes",
    "diff 100": "diff of 100 changes",
    "merge 1+1": "merge of 1+1 changes",
    "branch": "create branch",
}
THROUGHPUT = {
    "uploads/s 100 B, 1 thread": "77",
    "uploads/s 100 B, 8 threads": "450-550",
    "uploads/s 5 MB, 1 thread": "25",
    "upload+commit/s, 1 thread": "32",
    "upload+commit/s, 4 threads on 4 branches": "80-88",
    "get 100 B ms": "4.6",
    "stat ms": "4.5",
    "get 5 MB ms": "-",
}


def measure(sizes: str) -> dict[str, Any]:
    """What load.py finds on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder, "lakefs"))
        report = Path(folder, "report.json")
        settings = {
            **os.environ,
            "LAKEFS_ENDPOINT": server.endpoint,
            "LAKEFS_ACCESS_KEY_ID": server.access_key,
            "LAKEFS_SECRET_ACCESS_KEY": server.secret_key,
            "LAKEFS_STORAGE_NAMESPACE_PREFIX": "local://",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "load.py", "--sizes", sizes, "--json", str(report)]
        try:
            subprocess.run(command, cwd=SUITE, env=settings, check=True, stdout=subprocess.DEVNULL)
            found: dict[str, Any] = json.loads(report.read_text())
        finally:
            server.stop()
    return found


def tables(found: dict[str, Any]) -> str:
    """Both servers' figures in Markdown."""
    lines = ["| keys | server | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for size in found["sizes"]:
        keys = size["keys"]
        ours = [size[name] for name in COLUMNS.values()]
        for server, figures in (("embedded", ours), ("real", REAL.get(keys, []))):
            shown = " | ".join(f"{figure:g}" for figure in figures)
            lines.append(f"| {keys:,} | {server} | {shown} |")
    lines += ["", "| over HTTP | embedded | real |", "|---|---|---|"]
    for name, real in THROUGHPUT.items():
        lines.append(f"| {name} | {found['throughput'][name]:g} | {real} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100,1000,10000")
    options = parser.parse_args()
    if not SUITE.is_dir():
        sys.exit(f"no conformance suite in {SUITE}")
    print(tables(measure(options.sizes)))


if __name__ == "__main__":
    main()

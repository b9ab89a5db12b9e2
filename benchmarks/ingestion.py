"""Ingestion: items per second and peak memory by format, each in a process of its own.

python -m benchmarks.ingestion            1e5 rows in each format, and a CSV of 1e6
python -m benchmarks.ingestion --rows N   N rows in each format only
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from assets.dataset_file.models import Dataset
from assets.ingestion import arrivals, read_batch

COLUMNS = 10
SPEC = {
    "name": "bench",
    "modality": "tabular",
    "ontology": {"classes": ["a", "b"]},
    "ingestion": {"group_column": "site"},
}
MIB = 1 << 20


def write_source(path: Path, rows: int) -> None:
    """Ten columns of random numbers, an id and a group, a chunk at a time."""
    random = np.random.default_rng(0)
    columns = {f"x{index}": random.normal(size=rows) for index in range(COLUMNS)}
    ids = pl.format("s{}", pl.int_range(rows)).alias("id")
    site = (pl.int_range(rows) % 100).alias("site")
    frame = pl.DataFrame(columns).with_columns(ids, site)
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path)


def measure(path: Path) -> dict[str, float]:
    """Look, read and prepare one file in this process."""
    empty = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workspace = path.parent / "work"
    start, cpu_start = time.perf_counter(), time.process_time()
    arrival = arrivals(path.parent, 0, time.time() + 60, cache=workspace)[0]
    batch = read_batch(
        arrival,
        Dataset.model_validate(SPEC),
        ingested_at=datetime(2024, 1, 1, tzinfo=UTC),
        known_items=None,
        workspace=workspace,
    )
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"rows": batch.counts.taken, "seconds": seconds, "mib": arrival.size / MIB}
    return {**facts, "cpu": cpu, "peak_mib": peak, "before_mib": empty}


def run(suffix: str, rows: int) -> None:
    """Measure one format in a new process and print a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inbox" / f"rows{suffix}"
        path.parent.mkdir()
        write_source(path, rows)
        command = [sys.executable, "-m", "benchmarks.ingestion", "--measure", str(path)]
        facts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(
        f"| {suffix[1:]} | {rows:,} | {facts['mib']:.0f} | {facts['seconds']:.2f} "
        f"| {facts['cpu']:.2f} | {facts['rows'] / facts['seconds']:,.0f} "
        f"| {facts['rows'] / facts['cpu']:,.0f} | {facts['peak_mib']:.0f} "
        f"| {facts['peak_mib'] - facts['before_mib']:.0f} |",
        flush=True,
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--measure", type=Path)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    print("| format | rows | file MiB | s | CPU s | items/s | items/CPU s | peak MiB | added MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for suffix in (".csv", ".jsonl", ".parquet"):
        run(suffix, options.rows or 100_000)
    if options.rows is None:
        run(".csv", 1_000_000)


if __name__ == "__main__":
    main()

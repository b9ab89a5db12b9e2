"""Runs the benchmarks there are, one after another, each in a process of its own.

python -m benchmarks                 every one, at full size: an hour and more
python -m benchmarks --quick         those that have a small size, at that: some minutes
python -m benchmarks --list          what there is
python -m benchmarks chain gate      these
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Arguments that make a benchmark small.
QUICK = {
    "active_digits": ("--seeds", "1", "--most", "60"),
    "advisor": ("--only", "digits", "--repeats", "1"),
    "chain": ("--quick",),
    "ingestion": ("--rows", "10000"),
    "lakefs_crash": ("--rounds", "3"),
    "lakefs_load": ("--sizes", "100"),
    "lakefs_scale": ("--keys", "10000"),
    "pretrained": ("--repeats", "1"),
    "synthetic": ("--seeds", "1", "--classes", "8"),
}
MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def benchmarks() -> dict[str, str]:
    """What each benchmark measures, by its name."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.py"))}
    return {
        name: text.partition("\n")[0].strip('"')
        for name, text in texts.items()
        if "\ndef main(" in text and not name.startswith("__")
    }


def run(name: str, *, quick: bool) -> str | None:
    """Run one; None where it ended well, else why not."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *(QUICK[name] if quick else ())]
    ran = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    if not ran.returncode:
        return None
    absent = MISSING.search(ran.stderr)
    if absent:
        return f"needs '{absent[1]}', a peer: see the top of benchmarks/{name}.py"
    return f"failed:\n{ran.stderr[-2000:]}"


def main() -> int:
    """Run what is asked for; 1 where one failed for another reason than a missing peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = benchmarks()
    parser.add_argument("names", nargs="*", choices=[*known, []], metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:20s} {what}" for name, what in known.items()))
        return 0
    failed = False
    for name in options.names or (QUICK if options.quick else known):
        print(f"\n## {name}: {known[name]}\n", flush=True)
        fault = run(name, quick=options.quick and name in QUICK)
        if fault:
            print(fault, flush=True)
            failed |= fault.startswith("failed")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

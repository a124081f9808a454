"""What our import takes once Prefect's has been paid for: `python -m benchmarks.imports`; part of `make bench`.

Of the processor, in a process of its own each time, with bytecode as an installer writes it; the median of nine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import machine

RESULT = Path(__file__).parent / "results" / "imports.json"
TIMED = """
from time import process_time
from prefect import flow, get_run_logger, task
from prefect.blocks.core import Block
begun = process_time()
import {module}
print(process_time() - begun)
"""
MODULES = ("prefect_genmedia.tasks.novita", "prefect_genmedia.tasks.midjourney", "prefect_genmedia.flows")


def took(module: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", TIMED.format(module=module)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    found = {}
    for module in MODULES:
        took(module)  # writes the bytecode
        found[module] = round(statistics.median(took(module) for _ in range(9)), 3)
        print(f"{found[module]:.3f} s  {module}")
    RESULT.write_text(json.dumps({"machine": machine(), "seconds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()

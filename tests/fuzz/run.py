"""Schemathesis against the emulator's own OpenAPI page: whatever is sent, no answer is a 5xx.

`make fuzz` calls it with the path of the schemathesis command. Seeded, so that a failure can be run again. The kinds of
what may be wrong with each field come from its coverage phase, thousands of them; what is drawn besides is few of each
operation, for drawing takes longer than asking.
"""

from __future__ import annotations

import subprocess
import sys

from prefect_genmedia.emulator import Emulator

KEYS = ("--header", "TT-API-KEY: fuzz", "--header", "Authorization: Bearer fuzz")


def main(schemathesis: str, seed: str = "1") -> int:
    with Emulator(job_seconds=0.05, queue_seconds=0.0) as emulator:
        page = f"{emulator.url}/openapi.json"
        # One worker: with more, Python 3.11 itself fails now and then while it parses ("AST constructor recursion").
        options = ("--checks", "not_a_server_error", "--max-examples", "8", "--workers", "1", "--warnings", "off")
        done = subprocess.run([schemathesis, "run", page, *KEYS, *options, "--seed", seed, "--no-color"], check=False)
        print(f"The emulator billed {emulator.billed()} jobs that were made up.")
        return done.returncode or int(emulator.billed() == 0)  # all refused: then nothing was tried


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

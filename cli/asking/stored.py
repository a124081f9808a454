"""`genmedia fsck`: is everything that was paid for still there, as it came?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict

from prefect_genmedia.cli.reading import require_ledger
from prefect_genmedia.cli.terminal import say
from prefect_genmedia.jobs.history.inventory import fsck

COLOURS = {"missing": "red", "cut": "red", "changed": "red", "unreadable": "bold yellow"}


def check_store(read_bytes: bool, as_json: bool) -> None:
    """Print what is found; exit code 1 when anything is."""
    require_ledger()
    inventory, findings = fsck(read_bytes)
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.kind] += 1
        if as_json:
            print(json.dumps(asdict(finding)))
            continue
        say((finding.kind, COLOURS.get(finding.kind, "cyan")), f"  {finding.where}")
        say(f"    {finding.says}. {finding.advice}")
    how = "read" if read_bytes else "looked at by their sizes"
    found = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing amiss"
    if not as_json:
        say(f"{inventory.files:,} files ({inventory.bytes / 1e6:,.1f} MB) of {inventory.store} {how}: {found}.")
    if counts:
        sys.exit(1)

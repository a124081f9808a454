"""Are the pages fit for everybody? By axe-core, in Chromium, wide and narrow, light and dark.

    npm install axe-core        # anywhere; it is MPL-2.0, and no part of this repository
    python -m tests.looks.axe node_modules/axe-core/axe.min.js build/site/index.html build/gallery/**/*.html

Addresses or paths of pages; the end is 1 where one of them has a violation.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.looks.browser import Page, browser

SIZES = ((1400, 900, False), (390, 844, True))


def violations(page: Page, axe: str, address: str) -> list[str]:
    """What axe finds on one page in each size."""
    found = []
    for width, height, dark in SIZES:
        page.look(width, height, dark=dark)
        page.open(address)
        page.ask(f"{axe}; true")
        for wrong in page.ask("axe.run().then(found => found.violations)"):
            first = wrong["nodes"][0]
            why = " ".join(first["failureSummary"].split())
            found.append(
                f"{address} at {width}: {wrong['id']} ({len(wrong['nodes'])} times): {why} {first['html'][:200]}"
            )
    return found


def main(axe: str, pages: list[str]) -> int:
    script = Path(axe).read_text()
    addresses = [each if "://" in each else Path(each).resolve().as_uri() for each in pages]
    with browser() as page:
        found = [wrong for address in addresses for wrong in violations(page, script, address)]
    print(*found, f"{len(addresses)} pages, {len(found)} violations", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

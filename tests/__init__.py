"""The tests: a folder for each room, and what they share."""

from pathlib import Path

# Real photographs; CREDITS.md beside them says whose.
PHOTOS = Path(__file__).parent / "photos"

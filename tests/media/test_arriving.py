"""A file on its way: nothing stays of what was not kept, not even of what a thread was just writing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prefect_genmedia.media import MediaStore
from prefect_genmedia.media.arriving import HELD_BYTES, Arriving


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_comes_in_pieces_is_one_file(tmp_path: Path) -> None:
    arriving = Arriving(MediaStore(str(tmp_path)))
    for piece in (b"a" * HELD_BYTES, b"b" * 10, b"c" * HELD_BYTES, b"d"):
        await arriving.add(piece)
    whole = await asyncio.to_thread(arriving.whole)
    assert whole.read_bytes() == b"a" * HELD_BYTES + b"b" * 10 + b"c" * HELD_BYTES + b"d"
    assert arriving.size == whole.stat().st_size
    arriving.discard()
    assert left_in(tmp_path) == []


def test_a_write_that_goes_on_after_it_was_given_up_leaves_nothing(tmp_path: Path) -> None:
    """As when a deadline ends the transfer and its thread cannot be stopped."""
    arriving = Arriving(MediaStore(str(tmp_path)))
    arriving.hold(b"half of it")
    arriving.discard()
    arriving.whole()
    assert left_in(tmp_path) == []

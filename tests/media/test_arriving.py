"""A file on its way: nothing stays of what was not kept, not even of what a thread was just writing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from pathlib import Path
from typing import Any

import pytest

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


class GivenUp(type(Path())):  # type: ignore[misc]
    """A name whose file is given up, or cannot be written to its end, just as it is being opened."""

    arriving: Arriving
    is_full = False

    def open(self, *args: Any, **kwargs: Any) -> Any:
        self.arriving.discard()
        if self.is_full:
            super().open(*args, **kwargs).close()
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().open(*args, **kwargs)


class Store(MediaStore):
    part: GivenUp

    def new_part(self) -> Path:
        return self.part


@pytest.mark.parametrize("is_full", [False, True])
def test_one_that_is_given_up_while_its_file_is_being_made_leaves_nothing(tmp_path: Path, is_full: bool) -> None:
    store = Store(str(tmp_path))
    store.part = GivenUp(tmp_path / "part")
    store.part.arriving, store.part.is_full = Arriving(store), is_full
    store.part.arriving.hold(b"half of it")
    with contextlib.suppress(OSError):
        store.part.arriving.whole()
    assert left_in(tmp_path) == []

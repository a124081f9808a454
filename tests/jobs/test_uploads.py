"""The pictures that are sent along: held until they are sent, where there is memory, and no longer."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import MediaInvalidError
from prefect_genmedia.jobs.turns.line import line_of
from prefect_genmedia.jobs.turns.uploads import KEPT, MOST_READ, Kept, on_the_way
from prefect_genmedia.media.pictures import LoadedPicture
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.images import IMG2IMG
from tests.patience import PATIENCE, a_until
from tests.shop import buy, img2img, refusal
from tests.stand_in import Say, Seen, Wire

MEGABYTE = 1_000_000


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Of 600 kB: more than half of a megabyte."""
    return drawn(tmp_path / "photo.png")


def drawn(file: Path) -> Path:
    content = BytesIO()
    Image.frombytes("RGB", (448, 448), os.urandom(448 * 448 * 3)).save(content, "PNG")
    file.write_bytes(content.getvalue())
    return file


def nothing_is_held() -> bool:
    """No picture's bytes, and no room for them is taken."""
    held = [each for each in gc.get_objects() if isinstance(each, LoadedPicture)]
    return not held and KEPT.take(128 * MEGABYTE, 256 * MEGABYTE) and KEPT.give_back(128 * MEGABYTE) is None


async def test_a_picture_is_let_go_once_it_is_sent_and_read_again_for_another_attempt(
    emulator: Emulator, novita: Account, photo: Path
) -> None:
    emulator.add_faults({"kind": "job_fails", "times": 1})
    emulator.configure(hold=True)
    buying = asyncio.create_task(buy(img2img(image=photo), novita, attempts=2))
    for billed in (1, 2):
        await a_until(lambda: emulator.billed() == billed, "the submit")  # noqa: B023
        await a_until(nothing_is_held, "its bytes are let go")
        assert not buying.done()
        emulator.release()
    assert (await buying).media
    first, second = emulator.jobs()["jobs"]
    assert first["request_sha256"] == second["request_sha256"]


async def test_a_picture_that_changes_before_another_attempt_is_not_called_unpaid(
    emulator: Emulator, novita: Account, photo: Path
) -> None:
    emulator.add_faults({"kind": "job_fails", "times": 1})
    emulator.configure(hold=True)
    buying = asyncio.create_task(refusal(img2img(image=photo), novita, attempts=2))
    await a_until(lambda: emulator.billed() == 1, "the submit")
    drawn(photo)
    emulator.release()
    error = await buying
    assert isinstance(error, MediaInvalidError)
    assert error.money == "Nothing more was bought." and error.job is not None
    assert emulator.billed() == 1


async def test_who_is_refused_again_and_again_holds_no_more_than_there_is_memory_for(
    emulator: Emulator, novita: Account, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMEDIA_UPLOAD_MEMORY_MB", "1")
    emulator.add_faults({"kind": "submit_refuse", "retry_after": "600"})
    buying = asyncio.create_task(refusal(img2img(image=photo), novita, queue_deadline_seconds=2 * 3600))
    await a_until(lambda: emulator.requests()["statuses"].get("429"), "a refusal")
    await a_until(nothing_is_held, "its bytes are let go")
    assert not buying.done()
    buying.cancel()
    await asyncio.wait([buying])


async def test_what_there_is_no_memory_for_is_read_again_and_sent_alike(
    emulator: Emulator, novita: Account, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await buy(img2img(image=photo), novita)
    monkeypatch.setenv("GENMEDIA_UPLOAD_MEMORY_MB", "1")
    await asyncio.gather(*(buy(img2img(image=photo), novita, copy=copy) for copy in range(1, 4)))
    assert len({job["request_sha256"] for job in emulator.jobs()["jobs"]}) == 1
    assert emulator.billed() == 4


async def test_a_picture_that_changes_before_it_is_read_again_is_not_sent(
    emulator: Emulator, novita: Account, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key was made of the first one's bytes: another picture under it would be given to who asks for the first."""
    monkeypatch.setenv("GENMEDIA_UPLOAD_MEMORY_MB", "1")
    monkeypatch.setenv("GENMEDIA_MAX_IN_PROGRESS", "1")
    emulator.configure(hold=True)
    first = asyncio.create_task(buy(img2img(), novita))
    await a_until(lambda: emulator.billed() == 1, "the first")
    second = asyncio.create_task(refusal(img2img(image=photo), novita))
    await a_until(lambda: line_of(novita.fingerprint, IMG2IMG.queue, careful=False).waiting, "the second in line")
    drawn(photo)
    emulator.configure(hold=False)
    emulator.release()
    assert (await first).media
    error = await second
    assert isinstance(error, MediaInvalidError)
    assert "has changed" in str(error) and "Nothing was bought" in str(error)
    assert emulator.billed() == 1


async def test_slow_links_hold_up_no_other_job(emulator: Emulator, novita: Account, photo: Path, wire: Wire) -> None:
    """More of them than files are read at once."""
    go_on = threading.Event()

    def answer(seen: Seen) -> Say:
        go_on.wait(PATIENCE)
        return Say(404, {})

    wire.answer = answer
    asked = [img2img(image=f"{wire.url}/{n}.png") for n in range(MOST_READ + 1)]
    slow = [asyncio.create_task(refusal(each, novita)) for each in asked]
    try:
        await a_until(lambda: wire.seen, "a download")
        assert (await buy(img2img(image=photo), novita)).media
        assert not any(each.done() for each in slow)
    finally:
        go_on.set()
    await asyncio.gather(*slow)
    assert emulator.billed() == 1


def test_what_is_held_takes_half_of_the_memory() -> None:
    kept = Kept()
    assert kept.take(3, most=10) and not kept.take(3, most=10) and kept.take(2, most=10)
    kept.give_back(3)
    assert kept.take(3, most=10)


async def test_who_sends_waits_for_room_and_one_that_is_too_large_goes_alone() -> None:
    on_its_way: list[str] = []
    most_at_once: list[int] = []

    async def send(name: str, size: int) -> None:
        async with on_the_way().room(size, most=12):
            on_its_way.append(name)
            most_at_once.append(len(on_its_way))
            await asyncio.sleep(0)
            on_its_way.remove(name)

    await asyncio.gather(*(send(f"{n}", size) for n, size in enumerate([1, 1, 1, 50, 1])))
    assert len(most_at_once) == 5
    assert max(most_at_once) == 2  # of six bytes, three for each


async def test_small_ones_do_not_pass_a_large_one_and_what_sends_no_picture_waits_for_none() -> None:
    sent: list[str] = []
    go_on = asyncio.Event()

    async def send(name: str, size: int) -> None:
        async with on_the_way().room(size, most=12):
            sent.append(name)
            await go_on.wait()

    sending = []
    for name, size in (("small", 1), ("large", 2), ("late", 1), ("none", 0)):
        sending.append(asyncio.create_task(send(name, size)))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sent == ["small", "none"]
    go_on.set()
    await asyncio.gather(*sending)
    assert sent == ["small", "none", "large", "late"]


async def test_who_is_cancelled_gives_the_room_back() -> None:
    async def send() -> None:
        async with on_the_way().room(1, most=6):
            await asyncio.sleep(60)

    for _ in range(2):
        sending = asyncio.create_task(send())
        await asyncio.sleep(0)
        waiting = asyncio.create_task(send())
        await asyncio.sleep(0)
        for task in (waiting, sending):
            task.cancel()
        await asyncio.wait([waiting, sending])
    async with asyncio.timeout(5), on_the_way().room(1, most=6):
        pass

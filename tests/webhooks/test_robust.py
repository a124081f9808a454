"""What nobody may make the receiver fail by: odd numbers, a listener that is deaf, and Prefect's own first import."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.jobs import run
from prefect_genmedia.ledger import open_ledger
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import TXT2IMG, Txt2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from prefect_genmedia.settings import Settings
from prefect_genmedia.webhooks import create_receiver
from prefect_genmedia.webhooks.receiver import Emit
from tests.patience import PATIENCE, until


def test_prefects_events_are_at_hand_before_the_first_callback():
    said = "import sys, prefect_genmedia.webhooks.app; print('prefect.events.utilities' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.strip() == "True", done.stderr


def test_without_a_prefect_server_none_is_started_for_an_event(tmp_path: Path):
    """Prefect would start a temporary one at the first callback: seconds of a processor, and no automation hears it."""
    code = """
from types import SimpleNamespace
from prefect_genmedia.operation import JobState, JobStatus
from prefect_genmedia.webhooks.receiver import emit_event
row = SimpleNamespace(id="row", operation="midjourney.imagine", title="a bell")
emit_event(row, JobStatus(JobState.SUCCEEDED, "SUCCESS", message=""), "job-1")
"""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path)}
    environment.pop("PREFECT_API_URL", None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=PATIENCE)
    assert not (tmp_path / "prefect.db").exists()


def test_settings_that_cannot_be_meant_are_named_before_it_serves(monkeypatch):
    monkeypatch.setenv("GENMEDIA_LEASE_SECONDS", "nan")
    with pytest.raises(ConfigurationError, match="GENMEDIA_LEASE_SECONDS"):
        create_receiver()


@contextmanager
def served(emit: Emit) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_receiver(emit), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the receiver's start")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/callbacks"
    server.should_exit = True
    thread.join(PATIENCE)


async def held(emulator, provider: str):
    """A job that the provider still works on: its task, its row, and how to let it end."""
    emulator.configure(hold=True)
    if provider == "ttapi":
        wanted = run(IMAGINE, ImagineRequest(prompt="a bell"), Account(TTAPI, emulator.url, "key-0123456789"))
    else:
        request = Txt2ImgRequest(model_name="m", prompt="a bell", width=256, height=256)
        wanted = run(TXT2IMG, request, Account(NOVITA, emulator.url, "key-0123456789"))
    task = asyncio.create_task(wanted)
    ledger = open_ledger(Settings().ledger_url, 60)
    async with asyncio.timeout(PATIENCE):
        while not (rows := await asyncio.to_thread(ledger.rows, ["SUBMITTED"])):
            await asyncio.sleep(0.02)
    return task, rows[0], ledger.token(rows[0].id)


def body(provider: str, job_id: str, number: str) -> str:
    if provider == "ttapi":
        return f'{{"status": "SUCCESS", "jobId": "{job_id}", "data": {{"progress": {number}, "quota": {number}}}}}'
    task = f'{{"task_id": "{job_id}", "status": "TASK_STATUS_SUCCEED", "eta": {number}, "progress_percent": {number}}}'
    return f'{{"task": {task}, "extra": {{"seed": {number}}}}}'


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "9" * 400, "9" * 5000, "1e999"], ids=lambda n: n[:9]
)
@pytest.mark.parametrize("provider", ["ttapi", "novita"])
@pytest.mark.sampled(4)
async def test_no_number_in_a_callback_makes_the_receiver_fail(emulator, provider, number):
    task, row, token = await held(emulator, provider)
    with served(lambda row, status, job_id: None) as receiver:
        url = f"{receiver}/{provider}/{token}"
        told = {"content": body(provider, row.job_id, number), "trust_env": False, "timeout": PATIENCE}
        answer = await asyncio.to_thread(httpx.post, url, **told)
        assert answer.status_code in (200, 400) and answer.json()["outcome"] in ("accepted", "malformed")
    emulator.configure(hold=False)
    emulator.release()
    assert (await task).media


async def test_a_deaf_listener_costs_neither_the_callback_nor_the_others_time(emulator, isolated: Path):
    asked, let_go = threading.Event(), threading.Event()

    def deaf(row, status, job_id):
        asked.set()
        let_go.wait(2 * PATIENCE)
        raise ConnectionError("Prefect is away")

    task, row, token = await held(emulator, "ttapi")
    with served(deaf) as receiver:
        url = f"{receiver}/ttapi/{token}"
        told = asyncio.create_task(
            asyncio.to_thread(
                httpx.post, url, content=body("ttapi", row.job_id, "2"), trust_env=False, timeout=PATIENCE
            )
        )
        await asyncio.to_thread(asked.wait, PATIENCE)
        # While it is being told, others are answered.
        assert (await asyncio.to_thread(httpx.get, receiver, trust_env=False, timeout=PATIENCE)).status_code == 200
        let_go.set()
        answer = await told
    assert answer.status_code == 200 and answer.json() == {"outcome": "accepted"}
    emulator.configure(hold=False)
    emulator.release()
    assert (await task).media

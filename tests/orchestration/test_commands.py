"""The command as the person at 2 a.m. types it: plain sentences, no traceback, nothing paid again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from prefect_genmedia.cli import main
from prefect_genmedia.errors import SubmitOutcomeUnknown
from prefect_genmedia.jobs import run
from prefect_genmedia.ledger import open_ledger
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from prefect_genmedia.settings import Settings
from tests.orchestration.saving import save
from tests.patience import PATIENCE

Command = Callable[..., str]


@pytest.fixture
def genmedia(capsys, monkeypatch) -> Command:
    """The command in this process, in a thread of its own: it runs an event loop, as some of these tests do.

    Its tables are as wide as this process's terminal was at the start: what is read of one is `typed`.
    """

    def command(*arguments: str, fails: bool = False, **env: str) -> str:
        capsys.readouterr()
        with monkeypatch.context() as patch, ThreadPoolExecutor(1) as thread:
            for name, value in env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                thread.submit(copy_context().run, main, list(arguments)).result()
        # Not both: a thread of Prefect's may say something on stderr meanwhile.
        said = capsys.readouterr()
        text = said.err if fails else said.out
        assert bool(ended.value.code) is fails and "Traceback" not in text, said
        return text

    return command


@pytest.fixture
def typed(child_env) -> Command:
    """The command as a person types it: a process that knows no more than its environment."""

    def command(*arguments: str, fails: bool = False, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "prefect_genmedia.cli", *arguments],
            env={**child_env, "COLUMNS": "200", **env},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, said
        assert "Traceback" not in said
        return said

    return command


@pytest.fixture
def ledger():
    return open_ledger(Settings().ledger_url, 60)


def redraw(photos) -> Img2ImgRequest:
    return Img2ImgRequest(
        model_name="sd_xl_base_1.0.safetensors", prompt="in oil", image=photos / "coffee.png", width=256, height=256
    )


@pytest.mark.slow
async def test_setup_saves_keys_without_showing_them(typed, ttapi, emulator):
    said = typed("setup", "--ttapi", "cli-ttapi", TTAPI_API_KEY="k-4711", TTAPI_BASE_URL=emulator.url)
    assert "schema" in said and "cli-ttapi" in said and "k-4711" not in said
    saved = await type(ttapi).aload("cli-ttapi")
    assert saved.api_key.get_secret_value() == "k-4711" and saved.base_url == emulator.url


@pytest.mark.slow
def test_prices_are_printed_with_their_source(genmedia, typed, tmp_path):
    said = typed("price")
    assert "docs.ttapi.io" in said and "2026-06-05" in said and "not documented" in said
    own = tmp_path / "prices.yaml"
    own.write_text("- {operation: novita.img2img, price: 0.002, times: image_num}")
    rows = json.loads(genmedia("price", "novita.img2img", "--json", GENMEDIA_PRICES=str(own)))
    assert [(row["price"], row["times"], row["unit"], row["source"]) for row in rows] == [
        (0.002, "image_num", "USD", "yours")
    ]
    assert "no operation" in genmedia("price", "novita.img2im", fails=True)


async def test_list_and_show_tell_what_happened(genmedia, typed, ttapi):
    result = await run(IMAGINE, ImagineRequest(prompt="a moth"), ttapi.get_client())
    listed = typed("jobs", "list")
    assert result.job.id[:12] in listed and "STORED" in listed and "a moth" in listed
    (line,) = genmedia("jobs", "list", "--json").splitlines()
    assert json.loads(line)["job_id"] == result.job.job_id
    shown = genmedia("jobs", "show", result.job.id[:8])
    for word in ("INTENT", "SUBMITTED", "SUCCEEDED", "STORED", "a moth", "file://"):
        assert word in shown
    assert genmedia("jobs", "show", result.job.job_id) == shown
    assert genmedia("jobs", "list", "--state", "unknown").strip() == "No jobs."


async def test_resume_finds_the_block_and_brings_the_files_in_without_paying(genmedia, ttapi, emulator, ledger):
    await save(ttapi, "any-name")
    emulator.configure(hold=True)
    with pytest.raises(Exception, match="our deadline passed") as caught:
        from prefect_genmedia.jobs import Terms

        await run(IMAGINE, ImagineRequest(prompt="a bee"), ttapi.get_client(), terms=Terms(deadline_seconds=0.3))
    job = caught.value.job
    assert f"genmedia jobs resume {job.id[:12]}" in str(caught.value)
    emulator.configure(hold=False)
    emulator.release()
    assert genmedia("jobs", "resume", job.id[:12]).count("file://") == 5
    assert ledger.get(job.id).state == "STORED" and emulator.billed() == 1


async def test_an_unknown_job_is_settled_by_hand(genmedia, novita, emulator, photos, ledger):
    await save(novita, "any-name")
    emulator.add_faults({"kind": "submit_lose_reply", "times": 2})
    with pytest.raises(SubmitOutcomeUnknown) as first:
        await run(IMG2IMG, redraw(photos), novita.get_client())
    assert "genmedia jobs adopt" in genmedia("jobs", "show", first.value.job.id)
    (billed,) = emulator.jobs()["jobs"]
    assert "say what you found" in genmedia("jobs", "adopt", first.value.job.id, fails=True)
    genmedia("jobs", "adopt", first.value.job.id, "--job-id", billed["id"])
    assert "file://" in genmedia("jobs", "resume", first.value.job.id)
    assert emulator.billed() == 1
    assert "nothing to settle" in genmedia("jobs", "adopt", first.value.job.id, "--not-accepted", fails=True)


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (["jobs", "show", "zzz"], {}, "no job starts with 'zzz'"),
        (["jobs", "list", "--state", "lost"], {}, "LOST is no state"),
        (["jobs", "list"], {"GENMEDIA_LEDGER_URL": "mysql://x/y"}, "SQLite and PostgreSQL"),
        (["jobs", "list"], {"GENMEDIA_LEDGER_URL": "nonsense"}, "no database URL"),
        (["jobs", "list"], {"GENMEDIA_LEDGER_URL": "sqlite:////proc/nope/ledger.db"}, "there is no ledger at /proc"),
        (["setup"], {"GENMEDIA_LEDGER_URL": "sqlite:////proc/nope/ledger.db"}, "cannot be written"),
        (["setup"], {"GENMEDIA_MEDIA_STORE": "/proc/nope"}, "cannot be written"),
        (["demo", "--folder", "/proc/nope"], {}, "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_sentence(ledger, capsys, monkeypatch, arguments, env, says):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = "".join(capsys.readouterr())
    assert ended.value.code == 1 and "Traceback" not in said
    assert says in said.replace("\n", " ")


NOT_THERE = ["setup"], ["jobs", "import", "midjourney.imagine", "job-1", "--block", "b"]


@pytest.mark.slow
def test_a_server_that_is_not_there_is_one_sentence(genmedia, typed):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/api"
        said = [typed(*NOT_THERE[0], fails=True, PREFECT_API_URL=url)]
        with temporary_settings({PREFECT_API_URL: url}):
            said.append(genmedia(*NOT_THERE[1], fails=True))
    for each in said:
        assert url in each and "does not answer" in each and "prefect server start" in each

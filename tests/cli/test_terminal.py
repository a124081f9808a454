"""The command on real terminals: what others wrote is text there, whatever is in it and whatever the encoding."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.cli import main
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import JobFailedError
from prefect_genmedia.jobs import JobResult, run
from prefect_genmedia.ledger import open_ledger
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest
from prefect_genmedia.settings import Settings
from tests.patience import PATIENCE

SECRET = "hms3cr3t0123"
ORDERS = "\x1b[31mred \x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\ \x9b2J \u202edeen \r\x07\x00"
PROMPTS = {
    "a closing tag": "[INST] fog [/INST] [/b] [bold",
    "a tag that would vanish": "a [verse] of moss and [red] brick :cat: {x} 100%",
    "orders": f"quiet {ORDERS}harbour",
    "other letters": "画 a naïve café, 👨\u200d👩\u200d👧",
    "a signed link": f"https://x.io/a.png?hm={SECRET} a cat",
}
ENCODINGS = {
    "UTF-8": {"PYTHONIOENCODING": "utf-8"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "Latin 1": {"PYTHONIOENCODING": "latin-1:strict"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(job_seconds=0.05, queue_seconds=0.01) as emulator:
        yield emulator


async def bought(emulator: Emulator, prompt: str) -> JobResult[Any]:
    # A request refuses control characters; an older ledger, or one of another program, may hold any.
    return await run(
        IMAGINE, ImagineRequest.model_construct(prompt=prompt), Account(TTAPI, emulator.url, "key-0123456789")
    )


def genmedia(*arguments: str, ends: int = 0, **env: str) -> str:
    """What the command says, as bytes on a pipe, each byte a letter."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    done = subprocess.run(
        [sys.executable, "-m", "prefect_genmedia.cli", *arguments],
        env={**clean, "COLUMNS": "200", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
    )
    said = done.stdout.decode("latin-1")
    assert done.returncode == ends and "Traceback" not in said, said
    return said


def here(capsys: pytest.CaptureFixture[str], *arguments: str, ends: int = 1) -> str:
    """What the command says, in this process."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = "".join(capsys.readouterr())
    assert ended.value.code == ends and "Traceback" not in said, said
    return said


def of_utf8(said: str) -> str:
    return said.encode("latin-1").decode()


@pytest.mark.parametrize(
    "encoding", ["ASCII", *(pytest.param(each, marks=pytest.mark.slow) for each in ENCODINGS if each != "ASCII")]
)
@pytest.mark.slow
async def test_a_list_of_all_prompts_is_said_on_every_terminal(emulator, encoding):
    jobs = {(await bought(emulator, prompt)).job.id for prompt in PROMPTS.values()}
    said = genmedia("jobs", "list", **ENCODINGS[encoding])
    assert all(job[:12] in said for job in jobs)
    assert "[verse] of moss and [red] brick :cat: {x}" in said and "[INST] fog [/INST] [/b] [bold" in said
    assert SECRET not in said and not set(said) & set("\x1b\x07\x00\r")
    if encoding == "UTF-8":
        assert "画 a naïve café" in of_utf8(said) and not set(of_utf8(said)) & set("\x9b\u202e")


@pytest.mark.parametrize("encoding", ["UTF-8", pytest.param("ASCII", marks=pytest.mark.slow)])
@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.sampled(5)
async def test_show_says_every_prompt_as_text(emulator, prompt, encoding):
    job = (await bought(emulator, PROMPTS[prompt])).job
    said = genmedia("jobs", "show", job.id[:8], **ENCODINGS[encoding])
    assert job.id in said and "STORED" in said and SECRET not in said
    assert not set(said) & set("\x1b\x07\x00\r"), said
    request = said.partition("\nRequest\n")[2].partition("\n}")[0] + "\n}"
    if encoding == "UTF-8":
        assert not set(of_utf8(said)) & set("\x9b\u202e")
        assert json.loads(of_utf8(request)) == open_ledger(Settings().ledger_url, 60).get(job.id).request


async def test_json_is_exact_and_valid_for_scripts(emulator):
    jobs = {prompt: (await bought(emulator, prompt)).job for prompt in PROMPTS.values()}
    said = genmedia("jobs", "list", "--json", **ENCODINGS["ASCII"])
    rows = [json.loads(line) for line in said.splitlines()]
    titles = {row["id"]: row["title"] for row in rows}
    ledger = open_ledger(Settings().ledger_url, 60)
    assert titles == {job.id: ledger.get(job.id).title for job in jobs.values()}
    assert titles[jobs[PROMPTS["other letters"]].id] == PROMPTS["other letters"]
    assert SECRET not in said and said.isascii() and "\x1b" not in said


async def test_what_the_provider_says_of_a_failure_is_text_too(emulator):
    emulator.add_faults({"kind": "job_fails", "times": 1, "message": f"[/red] see https://x/a?b={SECRET} {ORDERS}"})
    with pytest.raises(JobFailedError) as caught:
        await bought(emulator, "a kite")
    said = genmedia("jobs", "show", caught.value.job.id[:8], **ENCODINGS["UTF-8"])
    assert "FAILED ([/red] see https://x/a red link" in said and "deen" in said
    assert not set(said) & set("\x1b\x9b\x07") and SECRET not in said and SECRET not in str(caught.value)


async def test_on_a_terminal_the_colours_are_ours_alone(emulator):
    job = (await bought(emulator, PROMPTS["orders"])).job
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "prefect_genmedia.cli", "jobs", "show", job.id]
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so at the end
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait(timeout=PATIENCE) == 0 and b"\x1b[32mSTORED" in said
    assert b"\x1b]8" not in said and b"\x1b[31m" not in said and "\u202e".encode() not in said and b"\x07" not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["jobs", "list", "--limit", "0"], "--limit"),
        (["jobs", "list", "--limit", "-1"], "--limit"),
        (["jobs", "list", "--limit", "9" * 400], "--limit"),
        (["jobs", "list", "--limit", "9" * 5000], "--limit"),
        (["jobs", "show", ""], "job"),
        (["jobs", "show", "a\x1b[31m"], "job"),
        (["jobs", "show", "a" * 256], "job"),
        (["jobs", "resume", ""], "job"),
        (["jobs", "resume", "3f9a", "--block", ""], "--block"),
        (["jobs", "adopt", ""], "job"),
        (["jobs", "adopt", "3f9a", "--job-id", ""], "--job-id"),
        (["jobs", "adopt", "3f9a", "--job-id", " "], "--job-id"),
        (["jobs", "adopt", "--job-id", "x"], "which job"),
        (["jobs", "adopt", "--not-accepted"], "which job"),
        (["jobs", "adopt", "--quiet-seconds", "nan"], "--quiet-seconds"),
        (["jobs", "adopt", "--quiet-seconds", "inf"], "--quiet-seconds"),
        (["jobs", "adopt", "--quiet-seconds", "-1"], "--quiet-seconds"),
        (["jobs", "import", "midjourney.imagine", "--from-list", "-1"], "--from-list"),
        (["jobs", "import", "midjourney.imagine", ""], "job"),
        (["emulator", "--port", "0"], "--port"),
        (["emulator", "--port", "65536"], "--port"),
        (["emulator", "--seconds", "nan"], "--seconds"),
        (["emulator", "--seed", "1" * 400], "--seed"),
        (["emulator", "--key", ""], "--key"),
        (["receiver", "--port", "-1"], "--port"),
        (["receiver", "--host", ""], "--host"),
        (["demo", "--seconds", "nan"], "--seconds"),
        (["demo", "--seconds", "1e300"], "--seconds"),
        (["live-check", "--provider", "other"], "--provider"),
        (["live-check", "--provider", "ttapi", "--spend", "nan"], "--spend"),
        (["live-check", "--provider", "ttapi", "--spend", "-1"], "--spend"),
        (["setup", "--ttapi", ""], "--ttapi"),
        (["setup", "--novita", "My Key"], "--novita"),
    ],
    ids=lambda given: " ".join(given)[:40] if isinstance(given, list) else "",
)
@pytest.mark.sampled(3)
def test_an_option_that_cannot_be_meant_is_named_and_nothing_begins(capsys, arguments, says):
    said = here(capsys, *arguments, ends=2)
    assert "Usage:" in said and says in said and "\x1b" not in said


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("LEASE_SECONDS", "nan", ["jobs", "list"]),
        ("LEASE_SECONDS", "inf", ["receiver", "--port", "1"]),
        ("POLL_SECONDS", "-1", ["setup"]),
        ("CALLBACK_URL", "nowhere", ["demo"]),
        ("POLL_FAILURES", "9" * 400, ["jobs", "show", "3f9a"]),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named_at_the_start(capsys, monkeypatch, name, value, arguments, tmp_path):
    monkeypatch.setenv(f"GENMEDIA_{name}", value)
    if arguments == ["demo"]:
        arguments = ["demo", "--folder", str(tmp_path / "demo")]
    said = here(capsys, *arguments)
    assert f"ConfigurationError GENMEDIA_{name} cannot be used" in said.replace("\n", " ") and "999" not in said
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/ledger",
        f"postgresql://user:{SECRET}@127.0.0.1:1/ledger?passfile={SECRET}",
        f"postgresql://127.0.0.1:1/ledger?user=u&password={SECRET}",
        f"postgresql://user:{SECRET}@127.0.0.1:1/ledger?no_such_option={SECRET}",
        f"postgresql://user:{SECRET}@127.0.0.1:port/ledger",
        f"postgresql://user:a@{SECRET}@127.0.0.1:1/ledger",
        f"postgres://user:{SECRET}@127.0.0.1:1/ledger",
        f"mysql://user:{SECRET}@127.0.0.1:1/ledger",
        f"{SECRET}",
        f"sqlite:////proc/no/such.db?password={SECRET}",
    ],
)
def test_the_ledgers_address_is_never_said_with_its_password(capsys, monkeypatch, url):
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", url)
    for command in (["jobs", "list"], ["setup"]):
        assert SECRET not in here(capsys, *command)


def test_folders_with_brackets_are_said_as_they_are(capsys, monkeypatch):
    monkeypatch.setenv("GENMEDIA_LEDGER_URL", "sqlite:////proc/[bold]/[/b].db")
    said = here(capsys, "jobs", "list")
    assert "there is no ledger at /proc/[bold]/[/b].db" in said


@pytest.mark.slow
def test_a_temporary_server_that_comes_too_late_is_one_sentence(prepared: Path, tmp_path: Path) -> None:
    late = {
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "0",
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_URL": "",
    }
    assert "Start one that stays: prefect server start" in genmedia("doctor", ends=1, **late)

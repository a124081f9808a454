"""`genmedia demo`: the main job from prompts and photographs to published pictures, on emulated providers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket

from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from prefect_genmedia.cli.terminal import console, say
from prefect_genmedia.emulator import Emulator
from prefect_genmedia.errors import ConfigurationError
from prefect_genmedia.ledger import JobRow, Ledger, LedgerState, open_ledger
from prefect_genmedia.quoting import one_line, title
from prefect_genmedia.settings import read_settings

SERVER_SECONDS = 90
PHOTOGRAPHS = ("chelsea.png", "coffee.png")


def run_demo(folder: Path, keep: bool, seconds: float) -> None:
    """Everything the demo makes stays below `folder`; it can be deleted at any time."""
    read_settings()
    folder = folder.resolve()
    started = time.monotonic()
    # Ended from outside, we still end the server that we have started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    _prepare(folder)
    with ExitStack() as stack:
        api = stack.enter_context(_prefect_server(folder))
        emulator = stack.enter_context(Emulator(seed=7, job_seconds=seconds))
        stack.enter_context(_receiver())
        say("Providers: ", ("emulated", "bold"), f" at {emulator.url}: nothing is paid")
        with console.status("Starting a Prefect server (the first start makes its database)"):
            _wait_until_up(api)
        ui = api.removesuffix("/api")
        say(f"Prefect: {ui}")
        told = _run_flow(folder, emulator.url)
        billed = emulator.billed()
        _report(told, f"{ui}/runs/flow-run/{told['flow_run']}", billed, time.monotonic() - started, keep)
        if keep:
            say("The UI stays up; ", ("Ctrl-C", "bold"), " ends it.")
            with _until_interrupted():
                threading.Event().wait()


def _prepare(folder: Path) -> None:
    """Settings of the demo's own, before Prefect is imported."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "photographs").mkdir(exist_ok=True)
        for name in PHOTOGRAPHS:
            shutil.copyfile(Path(__file__).parent / "photos" / name, folder / "photographs" / name)
    except OSError as failure:
        raise ConfigurationError(
            f"{folder} cannot be written: {failure.strerror}", advice="Give another: genmedia demo --folder DIR"
        ) from None
    os.environ |= {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{_free_port()}/api",
        "PREFECT_PROFILES_PATH": str(folder / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
        "GENMEDIA_POLL_SECONDS": "0.5",
    }
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
        os.environ.pop(name, None)


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _prefect_server(folder: Path) -> Iterator[str]:
    api = os.environ["PREFECT_API_URL"]
    port = api.removesuffix("/api").rpartition(":")[2]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    batching = {
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    }
    with (folder / "prefect-server.log").open("w") as log:
        # A session of its own: Ctrl-C reaches us first, and we end it in order.
        server = subprocess.Popen(  # noqa: S603 (Prefect's own command)
            command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | batching, start_new_session=True
        )
        try:
            yield api
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_until_up(api: str) -> None:
    until = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=2) as answer:  # noqa: S310 (our own loopback server)
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ConfigurationError(
        f"the Prefect server did not start within {SERVER_SECONDS} s", advice="Its log is prefect-server.log."
    )


@contextmanager
def _receiver() -> Iterator[None]:
    """The callback receiver in a thread, so that even Novita's lost replies can be settled."""
    import uvicorn

    from prefect_genmedia.webhooks import create_receiver

    port = _free_port()
    os.environ["GENMEDIA_CALLBACK_URL"] = f"http://127.0.0.1:{port}/callbacks"
    server = uvicorn.Server(
        uvicorn.Config(create_receiver(), host="127.0.0.1", port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=5)


def _run_flow(folder: Path, emulator: str) -> dict[str, str]:
    """Run `illustrate` in a process of its own, with live progress from the ledger."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "prefect_genmedia.cli.demo_run",
        emulator,
        str(folder / "photographs"),
        str(result),
    ]
    settings = read_settings()
    ledger = open_ledger(settings.ledger_url, settings.lease_seconds)
    with (folder / "flow.log").open("w") as log, _live_progress(ledger):
        ended = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603 (our own module)
    if not result.exists():
        raise ConfigurationError(f"the flow ended with code {ended.returncode}", advice=f"See {folder / 'flow.log'}.")
    told: dict[str, str] = json.loads(result.read_text())
    return told


@contextmanager
def _live_progress(ledger: Ledger) -> Iterator[None]:
    """One line a job, read from the ledger: it would show jobs of any worker on any machine."""
    progress = Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[words]}", markup=False),
        console=console,
    )
    since, done = time.time(), threading.Event()
    lines: dict[str, TaskID] = {}

    def refresh() -> None:
        for row in reversed(ledger.rows(since=since)):
            if row.id not in lines:
                what = f"{one_line(row.operation):<19} {title(row.title, 44):<44}"
                lines[row.id] = progress.add_task(what, total=100, words="")
            percent, words = _words(row)
            progress.update(lines[row.id], completed=percent, words=words)

    def follow() -> None:
        while not done.wait(0.25):
            refresh()

    with Live(progress, console=console, refresh_per_second=8):
        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            refresh()


def _words(row: JobRow) -> tuple[float, str]:
    if row.state == LedgerState.STORED:
        return 100, "done"
    if row.state == LedgerState.SUCCEEDED:
        return 99, "downloading"
    if row.state == LedgerState.SUBMITTED:
        if not row.percent:
            return 0, "queued"
        eta = f", {row.eta_seconds:.0f} s left" if row.eta_seconds else ""
        return row.percent, f"running {row.percent:.0f} %{eta}"
    return 0, {"INTENT": "submitting", "UNKNOWN": "looking for it"}.get(row.state, row.state.lower())


def _report(told: dict[str, str], run_page: str, billed: int, seconds: float, keep: bool) -> None:
    gallery = Path(urllib.parse.unquote(told["page"].removeprefix("file://")))
    lines = {
        "Pictures": str(gallery.parent),
        "Gallery": str(gallery),
        "Prefect run": run_page + ("" if keep else "  (down now; genmedia demo --keep leaves it up)"),
        "Result": told["summary"],
        "Paid": f"nothing. The emulator billed {billed} jobs, each wanted once",
        "Time": f"{seconds:.0f} s",
        "With real keys": "genmedia setup --ttapi ttapi --novita novita",
        "": "then, in Python: await illustrate(prompts=[...]), or start a deployment in the Prefect UI",
    }
    say()
    for label, line in lines.items():
        say((f"{label:<15}", "bold"), f" {line}")


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Ending.")

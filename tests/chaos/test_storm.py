"""One run of many jobs in bad weather: all delivered, each billed once, and what was survived is counted."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.emulator import Emulator
from prefect_genmedia.emulator.fault_kinds import KINDS
from tests.chaos.rig import REPOSITORY, Stable
from tests.patience import until

SEED = int(os.environ.get("GENMEDIA_CHAOS_SEED", "1"))


def each(probability: float, *kinds: str, **parameters: Any) -> list[dict[str, Any]]:
    return [{"kind": kind, "probability": probability, **parameters} for kind in kinds]


# Everything that a job can survive by itself, all at once.
WEATHER = (
    *each(0.05, "submit_lose_reply", "fetch_drop", "download_truncated", "job_id_number"),
    *each(0.02, "submit_5xx_after", body="html"),
    *each(0.02, "submit_refuse", "fetch_429", retry_after=1),
    *each(0.02, "submit_refusal_names_job", "submit_garbage", "submit_missing_id", "submit_data_null"),
    *each(0.02, "submit_slow_reply", "submit_slow_connection"),
    *each(0.01, "fetch_5xx", "fetch_404", "fetch_gateway_404", "fetch_html", "fetch_garbage", "fetch_other_job"),
    *each(0.01, "fetch_missing_fields", "fetch_data_null", "fetch_unknown_status", "fetch_slow"),
    *each(0.5, "list_lags", "frozen_lags", seconds=10),
    *each(0.01, "answer_bom", "answer_figure", "answer_quota", "answer_text", "answer_json_text"),
    *each(0.01, "answer_status_word", "answer_cut"),
    *(each(0.02, "links_written", style=style)[0] for style in ("scheme", "path", "relative", "data", "blanks")),
    *each(0.005, "answer_deep", "answer_bomb", "answer_endless"),
    *each(0.02, "download_truncated", length="none"),
    *each(0.01, "download_expired", "download_404", "download_dead", "download_html"),
    *each(0.01, "download_redirect", "download_redirect_to", "download_slow"),
    *each(0.01, "download_wrong_type", "download_wrong_size", "download_jpeg_unended", "download_other_kind"),
    *each(0.01, "download_png_wrong_checksum"),
    *each(0.01, "download_late", seconds=60),
    *each(0.01, "download_drip", bytes=1000, pause_seconds=0.01),
    *each(0.20, "callback_lost"),
    *each(0.05, "callback_duplicate", "callback_early", "callback_forged", "callback_malformed", "callback_late"),
    *each(0.02, "callback_oversized"),
    {"kind": "queue_halved", "skip": 20},
    {"kind": "download_agent_refused"},
    {"kind": "clock_skew"},
)
STANDING = ("download_agent_refused", "clock_skew")  # in force all the time, and not counted
LEFT_OUT = {
    "submit_html": "perhaps bought: reported at once, unless the list shows a later job in time",
    "submit_accept_twice": "the provider bills twice for one POST, and nobody picks one of two",
    "job_fails": "the provider's own end",
    "job_fails_late": "the provider's own end",
    "job_stuck": "it never ends",
    "job_forgotten": "its files never come",
    "files_missing": "they never come",
    "files_gap": "they never come",
    "download_endless": "given up after 2 GiB each",
}


def storm(stable: Stable, folder: Path, number: int, seed: int) -> tuple[Emulator, dict[str, Any], dict[str, int]]:
    """What the emulator counted, what the run says, and what stands in the ledger."""
    env = {
        "GENMEDIA_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
        "GENMEDIA_MEDIA_STORE": str(folder / "media"),
        "GENMEDIA_POLL_SECONDS": "0.2",
    }
    with Emulator(job_seconds=0.5, queue_seconds=0.1, max_jobs=64) as emulator:
        emulator.add_faults(*WEATHER, seed=seed)
        receiver = stable.start("receiver", env)
        try:
            port = until(receiver.report, "the receiver")["port"]
            env["GENMEDIA_CALLBACK_URL"] = f"http://127.0.0.1:{port}/callbacks"
            saved = stable.start("save_blocks", {}, blocks={"storm": emulator.url})
            assert saved.wait() == 0, saved.log.read_text()
            items = [{"prompt": f"a kite in a gale, number {each} of seed {seed}"} for each in range(number)]
            worker = stable.start("many", env, items=items, block="storm", at_once=50)
            assert worker.wait(1800) == 0, worker.log.read_text()[-3000:]
        finally:
            receiver.kill()
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        notes = [f"{state}: {note}" for state, note in ledger.execute("SELECT state, note FROM genmedia_event")]
        rows = ledger.execute("SELECT state, sends FROM genmedia_job").fetchall()
    counts = {
        "rows": len(rows),
        "stored": sum(state == "STORED" for state, _ in rows),
        "sent": sum(sends for _, sends in rows),
        "doubtful": sum(note.startswith("UNKNOWN") for note in notes),
        **{way: sum(f"SUBMITTED: {way}" in note for note in notes) for way in FOUND},
    }
    return emulator, worker.report(), counts


FOUND = ("found in the provider's list", "named by its callback", "the provider knows it")


def words(emulator: Emulator, said: dict[str, Any], counts: dict[str, int], seconds: float) -> str:
    fired: Counter[str] = Counter()
    for fault in emulator.faults()["faults"]:
        fired[fault["kind"]] += fault["fired"]
    found = ", ".join(f"{counts[way]} {way}" for way in FOUND)
    return (
        f"{counts['rows']} jobs in {seconds:.0f} s: {said['delivered']} delivered, {emulator.billed()} billed. "
        f"Survived: {fired.total()} strokes of {len(fired)} kinds; {counts['doubtful']} submits without a usable "
        f"answer ({found}).\n{', '.join(f'{count} {kind}' for kind, count in fired.most_common())}\n"
    )


def hold(number: int, emulator: Emulator, said: dict[str, Any], counts: dict[str, int]) -> None:
    assert not said["errors"]
    assert said["delivered"] == counts["stored"] == counts["rows"] == number == emulator.billed()
    billed = Counter(job["prompt"] for job in emulator.jobs()["jobs"] if job["billed"])
    assert len(billed) == number
    assert emulator.requests()["requests"]["POST /midjourney/v1/imagine"] == counts["sent"]
    # Of every submit without a usable answer the ledger says how its job was found.
    assert counts["doubtful"] == sum(counts[way] for way in FOUND)
    calm = [fault["kind"] for fault in emulator.faults()["faults"] if not fault["fired"]]
    assert set(calm) <= set(STANDING), calm


def test_every_misbehaviour_is_in_the_storm_or_left_out_for_a_reason() -> None:
    assert {fault["kind"] for fault in WEATHER} | LEFT_OUT.keys() == KINDS.keys()
    assert not {fault["kind"] for fault in WEATHER} & LEFT_OUT.keys()


@pytest.mark.slow
def test_five_hundred_jobs_in_bad_weather(stable: Stable, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    told = storm(stable, tmp_path, 500, SEED)
    text = words(*told, time.monotonic() - started)
    with capsys.disabled():
        print(f"\n{text}")
    (REPOSITORY / "build").mkdir(exist_ok=True)
    (REPOSITORY / "build" / "storm.md").write_text(text)
    hold(500, *told)

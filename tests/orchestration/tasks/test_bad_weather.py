"""The newer operations, each once, in flows on a real Prefect server, with all that a job can survive at once."""

from __future__ import annotations

import pytest

from tests.chaos.test_storm import SEED, WEATHER
from tests.orchestration.tasks import test_operations as calm

# Without a callback or a list nobody can tell what became of a submit whose answer cannot be read.
TOLD = ("submit_refuse", "submit_slow_reply", "submit_slow_connection")
# These put a file of another kind in its place, which is kept and said; the calm tests look at the kind.
SEEN = ("download_other_kind", "download_jpeg_unended", "download_png_wrong_checksum")
FAULTS = [
    {
        **fault,
        **({"probability": 0.05} if "probability" in fault else {}),
        **({"at": "fetch"} if fault["kind"].startswith("answer_") else {}),
    }
    for fault in WEATHER
    if fault["kind"] not in SEEN and (not fault["kind"].startswith("submit_") or fault["kind"] in TOLD)
]


@pytest.mark.slow
@pytest.mark.parametrize("product", ["suno", "ttapi", "novita"])
async def test_each_operation_is_bought_once_and_delivered(emulator, ttapi, novita, photos, product):
    emulator.add_faults(*FAULTS, seed=SEED)
    match product:
        case "suno":
            await calm.test_suno(emulator, ttapi)
        case "ttapi":
            await calm.test_ttapis_other_products(emulator, ttapi)
        case "novita":
            await calm.test_novita(emulator, novita, photos)
    struck = {fault["kind"] for fault in emulator.faults()["faults"] if fault["fired"]}
    assert len(struck) > 3

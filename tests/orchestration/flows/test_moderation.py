"""The moderation gate: what is found is stopped, kept apart or said; and what nobody looked at does not pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prefect_genmedia.blocks import NovitaCredentials
from prefect_genmedia.errors import ConfigurationError, GenMediaError, MediaError, ModerationError
from prefect_genmedia.flows import Photograph, Refinement, illustrate
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.jobs import JobResult
from prefect_genmedia.settings import Settings
from prefect_genmedia.tasks import imaging, moderation, novita, recipes
from tests.orchestration.saving import save
from tests.shop import small_cat

SQUARE = [Rendition(name="square", width=96, height=96)]
UNFIT = "nsfw-by-emulator"


async def drawn(credentials: NovitaCredentials, prompt: str, *, checked: bool = True) -> JobResult[Any]:
    request = novita.Img2ImgRequest(
        model_name="sd_xl_base_1.0.safetensors",
        image=small_cat(),
        prompt=prompt,
        width=128,
        height=128,
        extra=novita.ImageExtra(enable_nsfw_detection=checked),
    )
    return await novita.img2img(request, credentials)


def too_plain(path: Path) -> str | None:
    return "too plain" if path.is_file() else None


def broken(path: Path) -> None:
    raise RuntimeError(path)


@pytest.mark.slow
async def test_novitas_finding_blocks_sets_apart_or_is_said(emulator, novita: NovitaCredentials):
    fine, unfit = await drawn(novita, "a cat"), await drawn(novita, UNFIT)
    assert (await moderation.gate(fine, "block")).passed == fine.media
    with pytest.raises(ModerationError, match="99 % sure") as stopped:
        await moderation.gate(unfit, "block")
    assert stopped.value.job == unfit.job and "bought once" in str(stopped.value)
    (said,) = (await moderation.gate(unfit, "flag")).passed
    assert said.uri == unfit.media[0].uri and "moderation: Novita's NSFW check is 99 % sure" in said.remarks
    await imaging.render(unfit.media[0], SQUARE)

    kept = await moderation.gate(unfit, "quarantine")
    (apart,) = kept.quarantined
    assert kept.passed == [] and apart.path.parent == Path(Settings().media_store) / "quarantine"
    assert apart.path.read_bytes() == unfit.media[0].path.read_bytes()
    for file in (apart, unfit.media[0]):
        with pytest.raises(MediaError, match="quarantine"):
            await imaging.render.with_options(retries=0)(file, SQUARE)
        with pytest.raises(MediaError, match="quarantine"):
            await recipes.apply.with_options(retries=0)(file, "- step: keep\n  name: whole")
    assert (await moderation.gate(unfit, "block", confidence=100)).passed == unfit.media
    assert emulator.billed() == 2


async def test_what_nobody_looked_at_does_not_pass_and_a_check_of_ones_own_is_asked(emulator, novita):
    unchecked = await drawn(novita, UNFIT, checked=False)
    with pytest.raises(ModerationError, match="nobody looked at it"):
        await moderation.gate(unchecked, "block")
    assert (await moderation.gate(unchecked, "block", check=lambda path: None)).passed == unchecked.media
    file = unchecked.media[0]
    for check, words in ((too_plain, "too plain"), (broken, "your check failed"), (lambda _: True, "refused it")):
        with pytest.raises(ModerationError, match=words):
            await moderation.gate(file, "block", check=check)
    for wrong in ({"check": "no.such:thing"}, {"confidence": 101}):
        with pytest.raises(ConfigurationError):
            await moderation.gate(file, "block", **wrong)


async def test_illustrate_publishes_and_shows_nothing_that_is_set_apart(emulator, novita, photos):
    await save(novita, "n")
    asked: dict[str, Any] = {
        "photographs": [Photograph(picture=str(photos / "chelsea.png"), prompt=words) for words in ("in oil", UNFIT)],
        "renditions": SQUARE,
    }
    small = Refinement(longest_side=128)
    n = {"novita_credentials": "n"}
    for check, refinement in (("no.such:thing", small), (None, None)):
        blocking = {**n, "moderation_policy": "block", "moderation_check": check}
        with pytest.raises(ConfigurationError):
            await illustrate(**asked, refinement=refinement, advanced=blocking)
    assert emulator.submits() == 0

    apart = {**n, "moderation_policy": "quarantine"}
    made = await illustrate(**asked, refinement=small, advanced=apart, collection="apart")
    fine, unfit = made.items
    assert len(fine.published) == 1 and unfit.published == [] == unfit.refined and unfit.error is None
    quarantine = Path(Settings().media_store) / "quarantine"
    (record,) = quarantine.glob("*.json")
    assert json.loads(record.read_text())["reasons"] and len(list(quarantine.iterdir())) == 2
    with pytest.raises(GenMediaError, match="found by moderation"):
        blocking = {**n, "moderation_policy": "block", "request_key": "k"}
        await illustrate(**asked, refinement=small, advanced=blocking)

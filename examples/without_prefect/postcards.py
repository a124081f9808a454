"""Postcards without Prefect: a grid for each prompt, its first picture redrawn. Kill it anywhere and run it again."""

import asyncio
import os
from pathlib import Path

from prefect_genmedia.errors import GenMediaError
from prefect_genmedia.jobs import Terms, run
from prefect_genmedia.jobs.history.spending import spending_since
from prefect_genmedia.media import MediaFile
from prefect_genmedia.operation import Account
from prefect_genmedia.providers.novita.envelope import NOVITA
from prefect_genmedia.providers.novita.images import IMG2IMG, Img2ImgRequest
from prefect_genmedia.providers.ttapi.envelope import TTAPI
from prefect_genmedia.providers.ttapi.midjourney import IMAGINE, ImagineRequest

PROMPTS = Path(__file__).with_name("prompts.txt")
# Whose job it is: whoever asks for the same with this key, in this process or in another, is given the same job.
TERMS = Terms(request_key="postcards 2026")


def accounts() -> tuple[Account, Account]:
    """Keys come from the environment, as for genmedia setup; the addresses are for the emulator alone."""
    midjourney = os.environ.get("TTAPI_BASE_URL", "https://api.ttapi.io")
    novita = os.environ.get("NOVITA_BASE_URL", "https://api.novita.ai")
    return (
        Account(TTAPI, midjourney, os.environ["TTAPI_API_KEY"]),
        Account(NOVITA, novita, os.environ["NOVITA_API_KEY"]),
    )


async def postcard(prompt: str, ttapi: Account, novita: Account) -> MediaFile:
    """One grid and one redrawn picture: each is written down before it is bought, and is bought once."""
    grid = await run(IMAGINE, ImagineRequest(prompt=prompt, get_u_images=True), ttapi, terms=TERMS)
    redraw = Img2ImgRequest(
        model_name="sd_xl_base_1.0.safetensors",
        prompt="a linocut print, two colours",
        image=grid.at(1) or grid.media[0],  # top left; the whole grid where that has not come
        width=1024,
        height=680,
        strength=0.5,
    )
    return (await run(IMG2IMG, redraw, novita, terms=TERMS)).media[0]


async def main() -> None:
    ttapi, novita = accounts()
    prompts = PROMPTS.read_text("utf-8").splitlines()
    made = await asyncio.gather(*(postcard(each, ttapi, novita) for each in prompts), return_exceptions=True)
    for prompt, card in zip(prompts, made, strict=True):
        if isinstance(card, BaseException) and not isinstance(card, GenMediaError):
            raise card
        print(f"{prompt}: {card.uri if isinstance(card, MediaFile) else card}")  # an error says what to type
    for operation, spent in spending_since(days=1).by_operation.items():  # read from the ledger; buys nothing
        print(f"{operation}: {spent.bought} bought, {spent.quota:g} quota")


if __name__ == "__main__":
    asyncio.run(main())

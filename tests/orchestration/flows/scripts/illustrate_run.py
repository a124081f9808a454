"""Runs `illustrate` on two prompts and a photograph: `illustrate_run.py BASE_URL PHOTOGRAPH [REQUEST_KEY]`."""

import asyncio
import sys

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.flows import AdvancedIllustrate, Photograph, Refinement, illustrate
from prefect_genmedia.imaging import Rendition


async def main(base_url: str, photograph: str, request_key: str | None) -> None:
    await TTAPICredentials(api_key="key-t", base_url=base_url).asave("kill-ttapi", overwrite=True)
    await NovitaCredentials(api_key="key-n", base_url=base_url).asave("kill-novita", overwrite=True)
    made = await illustrate(
        prompts=["a fox in snow", "an otter at dusk"],
        photographs=[Photograph(picture=photograph, prompt="in watercolour")],
        refinement=Refinement(longest_side=256),
        renditions=[Rendition(name="square", width=128, height=128)],
        advanced=AdvancedIllustrate(
            ttapi_credentials="kill-ttapi", novita_credentials="kill-novita", request_key=request_key
        ),
    )
    print(made.summary)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))

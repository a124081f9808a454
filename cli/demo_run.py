"""The demo's flow run, in a process of its own: `python -m prefect_genmedia.cli.demo_run URL PHOTOGRAPHS RESULT`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pydantic import SecretStr

from prefect_genmedia.blocks import NovitaCredentials, TTAPICredentials
from prefect_genmedia.flows import Photograph, illustrate

PROMPTS = [
    "a lighthouse at dawn, gentle fog, long exposure --ar 3:2",
    "a bowl of ripe persimmons on a linen cloth, window light --ar 1:1",
    "an old tram climbing a steep street in the rain --ar 2:3",
]
PHOTOGRAPHS = {
    "chelsea.png": "a cat, oil on canvas, warm light",
    "coffee.png": "a cup of coffee, watercolour, soft edges",
}


async def demo(base_url: str, photographs: Path) -> dict[str, str | None]:
    await TTAPICredentials(api_key=SecretStr("demo-key"), base_url=base_url).asave("ttapi", overwrite=True)
    await NovitaCredentials(api_key=SecretStr("demo-key"), base_url=base_url).asave("novita", overwrite=True)
    pictures = [Photograph(picture=str(photographs / name), prompt=prompt) for name, prompt in PHOTOGRAPHS.items()]
    # Prefect types an async flow's state as if it were not awaited.
    state = await illustrate(prompts=PROMPTS, photographs=pictures, return_state=True)  # pyright: ignore[reportGeneralTypeIssues]
    made = await state.aresult()
    return {"page": made.page, "summary": made.summary, "flow_run": str(state.state_details.flow_run_id)}


if __name__ == "__main__":
    told = asyncio.run(demo(sys.argv[1], Path(sys.argv[2])))
    Path(sys.argv[3]).write_text(json.dumps(told))

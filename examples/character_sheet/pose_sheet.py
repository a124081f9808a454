"""One character in several poses by NovelAI, and a contact sheet of them: a flow of your own, of tasks."""

import asyncio
from pathlib import Path

import yaml
from prefect import flow
from pydantic import BaseModel

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import novelai, sheets

HERE = Path(__file__).parent


class Character(BaseModel):
    name: str
    tags: str
    seed: int
    poses: list[str]


@flow
async def pose_sheet(
    character: str = str(HERE / "character.yaml"),
    width: int = 832,
    height: int = 1216,
    ttapi_credentials: str = "ttapi",
) -> MediaFile:
    """Draw what is missing of the character's poses, and lay them all on one sheet.

    Args:
        character: The YAML file of the character.
        width: Of each picture, in pixels.
        height: Of each picture, in pixels.
        ttapi_credentials: The name of a saved TTAPI Credentials block.
    """
    asked = Character.model_validate(yaml.safe_load(await asyncio.to_thread(Path(character).read_text, "utf-8")))
    sheets.check_captions(asked.poses)  # a sign that no font has is told before anything is bought
    ttapi = await TTAPICredentials.aload(ttapi_credentials)

    async def draw(pose: str) -> MediaFile:
        request = novelai.TextToImageRequest(
            prompt=f"{asked.tags}, {pose}", seed=asked.seed, width=width, height=height, n_samples=1
        )
        # The same key in every run: a pose is bought once, whichever run asks for it, and a new pose is bought alone.
        drawn = await novelai.text_to_image(request, ttapi, request_key=f"character {asked.name}")
        return drawn.media[0]

    pictures = await asyncio.gather(*map(draw, asked.poses))
    return await sheets.contact_sheet(
        pictures,
        asked.poses,
        columns=2,
        folder=f"published/{asked.name}",
        manifest={"character": asked.name, "tags": asked.tags, "seed": asked.seed},
    )


if __name__ == "__main__":
    print(asyncio.run(pose_sheet()).uri)

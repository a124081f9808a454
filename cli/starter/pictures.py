"""A grid from Midjourney, cut to sizes and published. Kill it anywhere and run it again: it is paid once."""

import asyncio

from prefect import flow

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import imaging, midjourney

SIZES = [Rendition(name="wide", width=1200, height=630), Rendition(name="square", width=800, height=800)]


@flow(retries=2)
async def pictures(
    prompt: str = "a lighthouse at dawn, gentle fog --ar 3:2", ttapi_credentials: str = "ttapi"
) -> list[MediaFile]:
    """Buy one grid (quota, once a run), and publish its first picture.

    Args:
        prompt: What Midjourney is to make.
        ttapi_credentials: The name of a saved TTAPI Credentials block: genmedia setup --ttapi ttapi
    """
    ttapi = await TTAPICredentials.aload(ttapi_credentials)
    grid = await midjourney.imagine(midjourney.ImagineRequest(prompt=prompt, get_u_images=True), ttapi)
    picture = grid.at(1) or grid.media[0]  # top left; the whole grid where that has not come
    return await imaging.render(picture, SIZES, folder="published/pictures")


if __name__ == "__main__":
    for file in asyncio.run(pictures()):
        print(file.uri)

"""Drafts are made, people are asked, and only what they approve is published: under approved/ of the media store."""

import asyncio
from pathlib import Path

from prefect import flow
from prefect.deployments import arun_deployment
from slugify import slugify

from prefect_genmedia.blocks import TTAPICredentials
from prefect_genmedia.imaging import Rendition
from prefect_genmedia.media import MediaFile
from prefect_genmedia.tasks import imaging, midjourney

HERE = Path(__file__).parent
SIZES = [Rendition(name="wide", width=1600, height=900), Rendition(name="square", width=1080, height=1080)]


@flow(flow_run_name="drafts of {collection}")
async def review_first(
    collection: str = "week-50",
    prompts: str = str(HERE / "prompts.txt"),
    deadline_seconds: float = 86_400,
    ttapi_credentials: str = "ttapi",
) -> str:
    """Make the drafts that are missing, and have people decide on all of them: the id of the run that asks them.

    Args:
        collection: What they are reviewed as; approved ones lie in approved/<collection>.
        prompts: A file of Midjourney prompts, one a line.
        deadline_seconds: How long people have. What nobody has decided on by then is not published.
        ttapi_credentials: The name of a saved TTAPI Credentials block.
    """
    ttapi = await TTAPICredentials.aload(ttapi_credentials)
    lines = (await asyncio.to_thread(Path(prompts).read_text, "utf-8")).splitlines()
    wanted = [line for line in lines if line.strip()]

    async def draft(prompt: str) -> MediaFile:
        request = midjourney.ImagineRequest(prompt=prompt, get_u_images=True)
        grid = await midjourney.imagine(request, ttapi, request_key=collection)
        picture = grid.at(1) or grid.media[0]  # top left; the whole grid where that has not come
        name = slugify(prompt.partition(" --")[0], max_length=60)  # by its words: lines may move, a draft stays itself
        await imaging.render(picture, SIZES, folder=f"drafts/{collection}", stem=name, manifest={"prompt": prompt})
        return picture

    pictures = await asyncio.gather(*map(draft, wanted))
    asked = await arun_deployment(  # of genmedia setup; it waits for people, and no worker waits with it
        "review/review",
        parameters={
            "folder": f"drafts/{collection}",
            "collection": collection,
            "deadline_seconds": deadline_seconds,
            "on_deadline": "reject",
        },
        timeout=0,
        as_subflow=False,  # Prefect suspends no subflow
        # When this flow is run again and draws nothing new, nobody is asked twice.
        idempotency_key=" ".join(["review", collection, *(picture.sha256[:16] for picture in pictures)]),
    )
    return str(asked.id)


if __name__ == "__main__":
    print("Resume this run in Prefect's UI:", asyncio.run(review_first()))

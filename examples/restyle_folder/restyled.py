"""A folder of photographs in one look: Novita's img2img, a recipe, sizes. What is added later is bought alone."""

import asyncio
from pathlib import Path

import yaml
from prefect import flow
from pydantic import BaseModel

from prefect_genmedia.flows import AdvancedRestyle, BatchReport, Style, restyle
from prefect_genmedia.forecast import Forecast

HERE = Path(__file__).parent


class Look(BaseModel):
    prompt: str
    style: Style = Style()


@flow(flow_run_name="photographs in {look}")
async def restyle_folder(
    look: str = "oil",
    looks: str = str(HERE / "looks.yaml"),
    folder: str = str(HERE / "photographs"),
    dry_run: bool = False,
    novita_credentials: str = "novita",
) -> BatchReport | Forecast:
    """Redraw the photographs that this look does not have yet.

    Args:
        look: Which of the looks.
        looks: The YAML file of all looks.
        folder: Where the photographs lie: a path, or an address such as s3://bucket/photographs.
        dry_run: Only say what it will cost and take.
        novita_credentials: The name of a saved Novita AI Credentials block.
    """
    chosen = Look.model_validate(yaml.safe_load(await asyncio.to_thread(Path(looks).read_text, "utf-8"))[look])
    return await restyle(
        chosen.prompt,
        folder=folder,
        style=chosen.style,
        recipe=str(HERE / "recipe.yaml"),
        # Runs of one collection share what they have bought: without it, each run would redraw all of the folder.
        collection=look,
        dry_run=dry_run,
        advanced=AdvancedRestyle(novita_credentials=novita_credentials),
    )


if __name__ == "__main__":
    asyncio.run(restyle_folder())  # its log says what became of them

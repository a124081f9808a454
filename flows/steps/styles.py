"""A style for photographs: how img2img redraws them, with LoRAs and ControlNet."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from prefect_genmedia.checking import Asked, Finite
from prefect_genmedia.flows.runs.parameters import Refinement
from prefect_genmedia.media import MediaFile
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.providers.novita.fields import Preprocessor
from prefect_genmedia.tasks import novita

ModelName = Annotated[str, Field(min_length=1, max_length=255)]


class AddedLora(Asked):
    """A LoRA and how strongly it counts."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: ModelName = Field(description="Its sd_name_in_api.")
    strength: Finite = Field(default=0.7, ge=0, le=1, description="The larger, the more it counts.")


class Steering(Asked):
    """One ControlNet, and what steers it."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: ModelName = Field(description="For example controlnet-canny-sdxl-1.0.")
    preprocessor: Preprocessor | None = Field(default=None, description="What is drawn from the picture first.")
    strength: Finite = Field(default=1.0, ge=0, le=1, description="The larger, the more it counts.")
    picture: str | None = Field(default=None, min_length=1, description="By default each photograph itself.")


class Style(Refinement):
    """How Novita's img2img redraws photographs."""

    loras: list[AddedLora] = Field(default=[], max_length=5, description="Up to 5.")
    controlnet: list[Steering] = Field(default=[], max_length=5, description="Up to 5.")

    def of(self, picture: MediaFile | str, prompt: str, width: int, height: int) -> novita.Img2ImgRequest:
        plain = Refinement(**self.model_dump(include=set(Refinement.model_fields)))
        request = plain.of(picture, prompt, width, height)
        units = [
            novita.ControlNetUnit(
                **unit.model_dump(exclude={"picture"}, exclude_none=True),
                image=Picture(source=unit.picture or picture, prepare="fit"),
            )
            for unit in self.controlnet
        ]
        added = {
            "loras": tuple(novita.Lora(**lora.model_dump()) for lora in self.loras),
            "controlnet": novita.ControlNet(units=units) if units else None,
        }
        return request.model_copy(update={name: value for name, value in added.items() if value})

"""Novita's free reads: the model query, and one job's state.

Source: novita.ai/docs/api-reference/model-apis-get-model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from prefect_genmedia.errors import ResponseFormatError
from prefect_genmedia.operation import Account, Request
from prefect_genmedia.providers.answer import Answer
from prefect_genmedia.wire.http import http_pool

PATH = "/v3/model"


class ModelQuery(Request):
    """Which models to list."""

    visibility: Literal["public", "private"] | None = None
    """Everyone's models, or your own."""
    source: Literal["civitai", "training", "uploading"] | None = None
    """Where they come from."""
    types: Literal["checkpoint", "lora", "vae", "controlnet", "upscaler", "textualinversion"] | None = None
    """What they are."""
    is_sdxl: bool | None = None
    """Only SDXL, or only others."""
    is_inpainting: bool | None = None
    """Only inpainting checkpoints. The server's default is no."""
    query: str | None = None
    """Text to look for in sd_name, name and tags."""
    limit: Annotated[int, Field(ge=1, le=100)] = 100
    """Models a page, 1 to 100."""

    def parameters(self, cursor: str) -> dict[str, str]:
        filters = self.model_dump(exclude_none=True, exclude={"limit"})
        written = {f"filter.{name}": str(value).lower() if isinstance(value, bool) else str(value)
                   for name, value in filters.items()}  # fmt: skip
        return {**written, "pagination.limit": str(self.limit), "pagination.cursor": cursor}


class ModelType(Answer):
    """What kind of model it is; the name can be one that no filter takes."""

    name: str | None = None
    display_name: str | None = None


class Model(Answer):
    """One model of Novita's list."""

    sd_name: str
    """The name to give as a checkpoint's model_name."""
    sd_name_in_api: str | None = None
    """The name to give as a LoRA's or embedding's model_name."""
    id: int | None = None
    name: str | None = None
    type: ModelType = ModelType()
    base_model: str | None = None
    is_sdxl: bool | None = None
    source: str | None = None
    status: int | None = None
    """1: can be used."""
    tags: tuple[str, ...] | None = None


async def list_models(account: Account, query: ModelQuery, most: int) -> list[Model]:
    """Up to `most` models, page after page. Free. Raises ApiError, TransportError, ResponseFormatError."""
    models: list[Model] = []
    cursor = "c_0"
    async with http_pool() as pool:
        while True:
            answer = await pool.fetch(account, PATH, query.parameters(cursor))
            page = _page(answer.body)
            models += page
            following = answer.body.get("pagination")
            following = str(following.get("next_cursor") or "") if isinstance(following, dict) else ""
            # A cursor that does not move would page for ever.
            if not page or len(models) >= most or following in ("", cursor):
                return models[:most]
            cursor = following


def _page(body: dict[str, Any]) -> list[Model]:
    try:
        return [Model.model_validate(model) for model in body.get("models") or []]
    except ValueError:
        raise ResponseFormatError("the model list cannot be read", provider="novita") from None

"""The blocks' logos as data: URIs: no network is needed to have them."""

from __future__ import annotations

import base64
from importlib.resources import files

from prefect.client.schemas.objects import BlockType
from pydantic import HttpUrl
from pydantic_core import Url


def logo(name: str) -> HttpUrl:
    """The data: URI of a logo of this package, in the type that Prefect asks for."""
    content = (files("prefect_genmedia.blocks") / "logos" / f"{name}.png").read_bytes()
    url = HttpUrl.__new__(HttpUrl)
    url._url = Url("data:image/png;base64," + base64.b64encode(content).decode())
    return url


def without_logo(block_type: BlockType) -> BlockType:
    """The block type as it is registered: Prefect's client cannot read one back whose logo is a data: URI."""
    return block_type.model_copy(update={"logo_url": None})

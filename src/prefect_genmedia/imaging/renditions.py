"""What a finished picture should be like: size, fit, format."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefect_genmedia.checking import Finite, Whole
from prefect_genmedia.imaging.reading import MAX_PIXELS

Format = Literal["jpeg", "png", "webp", "avif"]
Share = Annotated[Finite, Field(ge=0, le=1)]
Likeness = Annotated[Finite, Field(ge=0.5, lt=1)]
LIKENESS = (
    "Instead of a quality: how like the picture the file has to be, as SSIM of its lightness (0.95 good, 0.98 hard to "
    "tell apart). The lightest file that is so is written; a PNG loses nothing anyway."
)

# WebP cannot hold more than 16383 pixels a side.
LONGEST_SIDE: dict[Format, int] = {"jpeg": 16384, "png": 16384, "webp": 16383, "avif": 16384}


class Rendition(BaseModel):
    """One file to make of a picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$",
        max_length=64,
        description="Names the file: small letters, digits, dashes.",
        examples=["square"],
    )
    width: Whole | None = Field(
        default=None,
        ge=1,
        le=16384,
        description="Width in pixels; without it, it follows from the height.",
    )
    height: Whole | None = Field(
        default=None,
        ge=1,
        le=16384,
        description="Height in pixels; without it, it follows from the width.",
    )
    fit: Literal["cover", "contain", "inside"] = Field(
        default="cover",
        description=(
            "How the picture meets the size: 'cover' fills it and crops what stands out, 'contain' pads "
            "the whole picture with the background, 'inside' makes it as large as fits, without padding."
        ),
    )
    format: Format = Field(default="jpeg", description="The file format.")
    quality: Whole | None = Field(
        default=None,
        ge=1,
        le=100,
        description="1 (small) to 100 (good); without it 85 for JPEG, 80 for WebP, 65 for AVIF. PNG never loses any.",
    )
    max_bytes: Whole | None = Field(
        default=None,
        ge=1000,
        le=1_000_000_000,
        description="The most that the file may weigh, in bytes: quality gives way (in a PNG, colours), down to what "
        "can still be looked at; what does not fit then is an error.",
    )
    ssim: Likeness | None = Field(default=None, description=LIKENESS)
    focus: tuple[Share, Share] = Field(
        default=(0.5, 0.5),
        description="The point to keep in the middle when cropping: shares of the width and of the height, "
        "from (0, 0) at the top left to (1, 1) at the bottom right.",
    )
    attention: bool = Field(
        default=False,
        description="Look for the focus: where edges, strong colours and skin come together. It knows no faces.",
    )
    background: str = Field(
        default="#ffffff",
        pattern=r"^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$",
        description="The colour of padding, and of what is transparent where the file is a JPEG: #rrggbb, "
        "or #rrggbbaa for transparent padding in PNG and WebP.",
    )
    enlarge: bool = Field(
        default=True,
        description="Make small pictures larger. When off, a small picture keeps its size: a crop comes out "
        "smaller in the same shape, and padding grows.",
    )

    @model_validator(mode="after")
    def _size_is_possible(self) -> Self:
        if self.quality is not None and self.ssim is not None:
            raise ValueError("a rendition has a quality or an ssim, not both")
        if self.width is None and self.height is None:
            raise ValueError("a rendition needs a width, a height or both")
        longest = LONGEST_SIDE[self.format]
        if max(self.width or 0, self.height or 0) > longest:
            raise ValueError(f"{self.format} holds at most {longest} pixels a side")
        if (self.width or 0) * (self.height or 0) > MAX_PIXELS:
            raise ValueError(f"a rendition has at most {MAX_PIXELS // 1_000_000} megapixels")
        return self


SOCIAL: tuple[Rendition, ...] = (
    Rendition(name="portrait", width=1080, height=1350, quality=85),
    Rendition(name="square", width=1080, height=1080, quality=85),
    Rendition(name="story", width=1080, height=1920, quality=85),
    Rendition(name="link", width=1200, height=628, quality=85),
    Rendition(name="pin", width=1000, height=1500, quality=85),
    Rendition(name="wide", width=1600, height=900, quality=85),
    Rendition(name="product", width=1200, height=1200, quality=85),
    Rendition(name="thumb", width=400, height=400, quality=85),
)
"""The usual sizes for social networks and shops: crops, JPEG."""

"""The steps of a recipe: each one thing, told by its word in `step`. Shares are of the picture, from 0 to 1."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from prefect_genmedia.checking import A_MODEL, A_TEXT, TEXT_OR_MODEL, Finite, Whole
from prefect_genmedia.imaging.drawing import Align, Corner, Place
from prefect_genmedia.imaging.renditions import Format, Likeness, Rendition, Share

Side = Annotated[Whole, Field(ge=1, le=16384)]
Hex = Annotated[str, StringConstraints(pattern=r"^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$")]
Aspect = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}(\.[0-9]{1,4})?:[0-9]{1,5}(\.[0-9]{1,4})?$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=64)]
NamedSize = Annotated[Annotated[Name, A_TEXT] | Annotated[Rendition, A_MODEL], TEXT_OR_MODEL]
Focus = tuple[Share, Share]
Factor = Annotated[Finite, Field(ge=0, le=4)]

_FOCUS = "The point to keep in the middle: shares of the width and of the height, (0, 0) is at the top left."


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Keep(_Step):
    """The file as it came, untouched but for its mark: as the first step."""

    step: Literal["keep"] = "keep"
    name: Name = Field(default="original", description="Names the file.")


class Crop(_Step):
    """Cut a part out: to a shape, or to a size in pixels. Nothing is made larger or smaller."""

    step: Literal["crop"] = "crop"
    aspect: Aspect | None = Field(default=None, description="Width to height, such as 16:9 or 1.91:1.")
    width: Side | None = Field(default=None, description="In pixels, with a height, instead of a shape.")
    height: Side | None = Field(default=None, description="In pixels, with a width, instead of a shape.")
    focus: Focus = Field(default=(0.5, 0.5), description=_FOCUS)
    attention: bool = Field(default=False, description="Look for the focus, as in a rendition.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        pixels = self.width is not None and self.height is not None
        if pixels == (self.aspect is not None) or (self.width is None) != (self.height is None):
            raise ValueError("a crop needs an aspect, or a width and a height")
        if self.aspect is not None and not 0.01 <= ratio(self.aspect) <= 100:
            raise ValueError("an aspect is from 1:100 to 100:1")
        return self


class Resize(_Step):
    """Another size: by width, height or both, or by a factor."""

    step: Literal["resize"] = "resize"
    width: Side | None = Field(default=None, description="In pixels; without it, it follows from the height.")
    height: Side | None = Field(default=None, description="In pixels; without it, it follows from the width.")
    scale: Annotated[Finite, Field(gt=0, le=16)] | None = Field(
        default=None, description="A factor instead of a size: 2 is twice as wide and twice as high."
    )
    fit: Literal["cover", "contain", "inside"] = Field(
        default="cover", description="How the picture meets a width and a height, as in a rendition."
    )
    focus: Focus = Field(default=(0.5, 0.5), description=_FOCUS)
    attention: bool = Field(default=False, description="Look for the focus, as in a rendition.")
    background: Hex = Field(default="#ffffff", description="The colour of padding.")
    enlarge: bool = Field(default=True, description="Make small pictures larger.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.scale is not None) == (self.width is not None or self.height is not None):
            raise ValueError("a resize needs a width, a height or both; or a scale")
        return self


class Pad(_Step):
    """Room around the picture: up to a shape, a border, or both."""

    step: Literal["pad"] = "pad"
    aspect: Aspect | None = Field(default=None, description="Width to height, such as 1:1.")
    border: Annotated[Finite, Field(ge=0, le=1)] = Field(
        default=0.0, description="On every side, as a share of the shorter side."
    )
    background: Hex = Field(default="#ffffff", description="Its colour; #rrggbbaa may be transparent.")


class Overlay(_Step):
    """Another picture on it: a logo, a watermark, a frame. What is transparent in it stays so."""

    step: Literal["overlay"] = "overlay"
    picture: str = Field(
        min_length=1, max_length=4096, description="A path or an s3:// address that every worker can read."
    )
    place: Place = Field(default="bottom-right", description="Where it goes; a frame covers all of the picture.")
    width: Annotated[Finite, Field(gt=0, le=1)] = Field(default=0.2, description="Its width, as a share.")
    margin: Annotated[Finite, Field(ge=0, le=0.5)] = Field(
        default=0.03, description="From the edges, as a share of the shorter side."
    )
    opacity: Share = Field(default=1.0, description="1 hides what is below, 0 is not seen.")


class Text(_Step):
    """A text that fits its box, as large as it may be there. A sign that no font has is an error."""

    step: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=2000, description="What is written. A new line starts a new line.")
    box: tuple[Share, Share, Share, Share] = Field(
        default=(0.05, 0.6, 0.95, 0.95), description="Left, top, right and bottom, as shares."
    )
    font: str | None = Field(
        default=None,
        max_length=4096,
        description="The path of a font file (file.ttc#2 is the third font in it); without it, GENMEDIA_FONTS.",
    )
    largest: Annotated[Finite, Field(gt=0, le=1)] = Field(
        default=0.15, description="The letters' largest size, as a share of the shorter side."
    )
    smallest: Annotated[Finite, Field(gt=0, le=1)] = Field(
        default=0.02, description="Their smallest size; a text that does not fit then is an error."
    )
    colour: Hex = Field(default="#ffffff", description="The letters' colour.")
    outline: Annotated[Finite, Field(ge=0, le=0.5)] = Field(
        default=0.0, description="The outline's strength, as a share of the letters' size."
    )
    outline_colour: Hex = Field(default="#000000", description="The outline's colour.")
    shadow: Annotated[Finite, Field(ge=0, le=0.5)] = Field(
        default=0.0, description="How far a soft shadow falls, as a share of the letters' size."
    )
    shadow_colour: Hex = Field(default="#000000b0", description="The shadow's colour.")
    align: Align = Field(default="centre", description="'start' is the right for what is written from the right.")
    upright: Literal["top", "middle", "bottom"] = Field(default="middle", description="Where in the box.")
    spacing: Annotated[Finite, Field(ge=0.5, le=3)] = Field(default=1.0, description="Of the lines.")

    @model_validator(mode="after")
    def _sizes_are_possible(self) -> Self:
        left, top, right, bottom = self.box
        if left >= right or top >= bottom:
            raise ValueError("a box is left, top, right, bottom: its right is to the right of its left")
        if self.smallest > self.largest:
            raise ValueError("the smallest size is larger than the largest")
        return self


class Label(_Step):
    """A label that people see, in a corner, readable on whatever lies below it."""

    step: Literal["label"] = "label"
    text: str = Field(default="AI generated", min_length=1, max_length=80, description="What it says, in one line.")
    corner: Corner = Field(default="bottom-right", description="Where it stands.")
    size: Annotated[Finite, Field(gt=0, le=0.5)] = Field(
        default=0.03, description="The letters' size, as a share of the shorter side; ten pixels at least."
    )
    font: str | None = Field(default=None, max_length=4096, description="The path of a font file.")


class Sharpen(_Step):
    """Stronger edges."""

    step: Literal["sharpen"] = "sharpen"
    strength: Annotated[Finite, Field(gt=0, le=3)] = Field(default=0.5, description="1 is much.")
    radius: Annotated[Finite, Field(gt=0, le=20)] = Field(default=1.0, description="In pixels.")


class Colour(_Step):
    """Brightness, contrast and saturation: factors, of which 1 changes nothing."""

    step: Literal["colour"] = "colour"
    brightness: Factor = Field(default=1.0, description="Of all of it.")
    contrast: Factor = Field(default=1.0, description="Between light and dark.")
    saturation: Factor = Field(default=1.0, description="0 is black and white.")


class Check(_Step):
    """Refuse a picture that is blank, blurred, too small or of the wrong shape: nothing is published of it."""

    step: Literal["check"] = "check"
    least_width: Annotated[Whole, Field(ge=0, le=100_000)] = Field(default=0, description="In pixels.")
    least_height: Annotated[Whole, Field(ge=0, le=100_000)] = Field(default=0, description="In pixels.")
    aspect: Aspect | None = Field(default=None, description="Its shape, within two percent.")
    blurred: bool = Field(default=False, description="Let a blurred picture through.")
    blank: bool = Field(default=False, description="Let a picture of one colour through.")


class Save(_Step):
    """One file of the picture as it is now, in its size."""

    step: Literal["save"] = "save"
    name: Name = Field(default="picture", description="Names the file.")
    format: Format = Field(default="jpeg", description="The file format.")
    quality: Annotated[Whole, Field(ge=1, le=100)] | None = Field(default=None, description="As in a rendition.")
    max_bytes: Annotated[Whole, Field(ge=1000, le=1_000_000_000)] | None = Field(
        default=None, description="As in a rendition."
    )
    ssim: Likeness | None = Field(default=None, description="As in a rendition.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.quality is not None and self.ssim is not None:
            raise ValueError("a file has a quality or an ssim, not both")
        return self

    def rendition(self, width: int) -> Rendition:
        """The same as a rendition of a picture that is so wide."""
        return Rendition(
            name=self.name,
            width=width,
            format=self.format,
            quality=self.quality,
            max_bytes=self.max_bytes,
            ssim=self.ssim,
        )


class Sizes(_Step):
    """A file in each of these sizes. What follows is done to each of them, in its own size."""

    step: Literal["sizes"] = "sizes"
    sizes: tuple[NamedSize, ...] = Field(max_length=64, description="Names of presets, or sizes of your own.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.sizes:  # by min_length, pydantic would say so of a list whose only size is wrong
            raise ValueError("there is no size")
        return self


Step = Annotated[
    Keep | Crop | Resize | Pad | Overlay | Text | Label | Sharpen | Colour | Check | Save | Sizes,
    Field(discriminator="step"),
]


def ratio(aspect: str) -> float:
    """Width by height; 0 for what is none."""
    width, height = map(float, aspect.split(":"))
    return width / height if height else 0.0

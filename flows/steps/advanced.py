"""What a run of a flow seldom changes, folded into one field: a form shows one line of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from prefect_genmedia.checking import Asked, Finite, Whole
from prefect_genmedia.flows.runs.calendar_rows import Shard
from prefect_genmedia.flows.runs.parameters import Called, Refinement, Renditions, Usual, UsualOrNone
from prefect_genmedia.flows.steps.studio import Teaser
from prefect_genmedia.flows.steps.styles import Style
from prefect_genmedia.tasks import midjourney, moderation


class Advanced(Asked):
    """Of every flow that buys."""

    model_config = ConfigDict(title="Advanced")

    attempts: Whole = Field(
        default=1, ge=1, le=5, description="How often a job that the provider fails may be bought in all."
    )


class AtTTAPI(Advanced):
    """Of a flow that buys at TTAPI."""

    ttapi_credentials: Called = Field(
        default="ttapi", title="TTAPI Credentials", description="The name of a saved TTAPI Credentials block."
    )


class AtNovita(Advanced):
    """Of a flow that buys at Novita."""

    novita_credentials: Called = Field(default="novita", description="The name of a saved Novita AI Credentials block.")


class ManyAtOnce(Advanced):
    """Of a flow that makes many of one kind."""

    at_once: Whole = Field(
        default=50, ge=1, le=1000, description="How many are in work at once; the provider's own limits count as well."
    )


class OfGrids(AtTTAPI, AtNovita):
    """How Midjourney draws a grid, and what is picked of it."""

    mode: midjourney.Mode = Field(default="fast", description="Midjourney's speed.")
    upscale: bool = Field(
        default=False, strict=True, description="Upscale what was picked at Midjourney first. Costs quota."
    )
    chooser: Called | None = Field(
        default=None,
        description="Your own choice instead of pick, 'package.module:function'. It gets four paths, which are "
        "temporary where the media store is remote, and gives indexes.",
    )


class AdvancedIllustrate(OfGrids):
    """Of illustrate."""

    request_key: Called | None = Field(
        default=None, description="Runs with the same key share their jobs. For example a campaign and a date."
    )
    moderation_policy: moderation.Policy | None = Field(
        default=None,
        description="What becomes of a finished picture that is found unfit: block, quarantine or flag. Novita's own "
        "check is asked for with each refinement, for 0.0015 USD a picture.",
    )
    moderation_check: Called | None = Field(
        default=None,
        description="Your own check besides, 'package.module:function': it gets a path, and says what is wrong.",
    )


class AdvancedCalendar(OfGrids, ManyAtOnce):
    """Of content_calendar. A row may name a mode of its own."""

    shard: Shard | None = Field(
        default=None, description="Such as 2/5: every fifth row from the second on, for five runs beside each other."
    )


class AdvancedRestyle(AtNovita, ManyAtOnce):
    """Of restyle."""


class AdvancedClip(AtNovita):
    """Of clip."""


class AdvancedSheet(AtTTAPI):
    """Of character_sheet."""

    seed: Whole | None = Field(
        default=None, ge=0, le=2**32 - 1, description="The one seed of all. By default it follows from the character."
    )
    columns: Whole = Field(default=3, ge=1, le=12, description="Of the sheet.")


class AdvancedTrack(AtTTAPI, AtNovita):
    """Of release_track."""

    lufs: Annotated[Finite, Field(ge=-70, le=-5)] | None = Field(
        default=-14, description="How loud the songs are published. None leaves them as they came."
    )
    refinement: UsualOrNone[Refinement] = Field(
        default="usual",
        description="How Novita redraws the cover: as usual (2048 pixels, strength 0.3), or as you set it. None leaves "
        "it as it is.",
    )
    sizes: Renditions = Field(
        default=["cover-art"],
        description="Of the cover: names of presets (genmedia presets), or sizes of your own. cover-art is 3000 by "
        "3000.",
    )
    teaser: UsualOrNone[Teaser] = Field(
        default="usual",
        description="A film of the cover with a piece of the first song: as usual (15 seconds from its beginning), or "
        "as you set it. None makes none.",
    )


class AdvancedVariants(AtTTAPI, AtNovita, ManyAtOnce):
    """Of variants."""

    mode: midjourney.Mode = Field(default="fast", description="Midjourney's speed.")
    style: Usual[Style] = Field(
        default="usual",
        description="How products with a picture are redrawn; image_num says how many results each gives.",
    )

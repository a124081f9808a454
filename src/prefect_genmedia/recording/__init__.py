"""Films and sounds after the provider, by ffmpeg as a process of its own. Functions of paths; all of them block."""

from prefect_genmedia.recording.captions import captions
from prefect_genmedia.recording.cutting import poster, trim
from prefect_genmedia.recording.loudness import Leveled, Loudness, level, measure
from prefect_genmedia.recording.platforms import (
    Formatted,
    Platform,
    format_for,
    platform_named,
    platforms,
    require_platform,
)
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import require_ffmpeg
from prefect_genmedia.recording.stills import still_film
from prefect_genmedia.recording.tagging import Tags, tag

__all__ = [
    "Formatted",
    "Leveled",
    "Loudness",
    "Platform",
    "Probed",
    "Tags",
    "captions",
    "format_for",
    "level",
    "measure",
    "platform_named",
    "platforms",
    "poster",
    "probe",
    "require_ffmpeg",
    "require_platform",
    "still_film",
    "tag",
    "trim",
]

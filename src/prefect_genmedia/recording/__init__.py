"""Films and sounds after the provider, by ffmpeg as a process of its own. Functions of paths; all of them block."""

from prefect_genmedia.recording.cutting import poster, trim
from prefect_genmedia.recording.loudness import Leveled, Loudness, level, measure
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import require_ffmpeg
from prefect_genmedia.recording.tagging import Tags, tag

__all__ = [
    "Leveled",
    "Loudness",
    "Probed",
    "Tags",
    "level",
    "measure",
    "poster",
    "probe",
    "require_ffmpeg",
    "tag",
    "trim",
]

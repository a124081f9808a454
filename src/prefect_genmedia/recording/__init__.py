"""Films and sounds after the provider, by ffmpeg as a process of its own. Functions of paths; all of them block."""

from prefect_genmedia.recording.captions import captions
from prefect_genmedia.recording.cutting import poster, trim
from prefect_genmedia.recording.loudness import Leveled, Loudness, level, measure
from prefect_genmedia.recording.probing import Probed, probe
from prefect_genmedia.recording.process import require_ffmpeg
from prefect_genmedia.recording.stills import still_film

__all__ = [
    "Leveled",
    "Loudness",
    "Probed",
    "captions",
    "level",
    "measure",
    "poster",
    "probe",
    "require_ffmpeg",
    "still_film",
    "trim",
]

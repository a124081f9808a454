"""Is a file whole? Small readers that follow each container to its end.

Their own, and not a library's: what reads all of these (PyAV, ffmpeg) decodes them too, weighs tens of megabytes, and
does not tell a cut from a fault; a walk takes milliseconds.
"""

from prefect_genmedia.media.whole.boxes import box_kind, read_boxes
from prefect_genmedia.media.whole.chunks import (
    read_bmp,
    read_gif,
    read_glb,
    read_jpeg,
    read_midi,
    read_pdf,
    read_png,
    read_riff,
    read_tiff,
    read_ts,
    read_xml,
    read_zip,
)
from prefect_genmedia.media.whole.matroska import matroska_kind, read_matroska
from prefect_genmedia.media.whole.reading import Content, Reader, Whole, behind_id3
from prefect_genmedia.media.whole.sound import aac_frame, mpeg_frame, ogg_kind, read_aac, read_flac, read_mp3, read_ogg

READERS: dict[str, Reader] = {
    "image/png": read_png,
    "image/jpeg": read_jpeg,
    "image/tiff": read_tiff,
    "image/gif": read_gif,
    "image/webp": read_riff,
    "image/bmp": read_bmp,
    "image/svg+xml": read_xml,
    "application/xml": read_xml,
    "image/avif": read_boxes,
    "image/heic": read_boxes,
    "image/heif": read_boxes,
    "video/mp4": read_boxes,
    "video/quicktime": read_boxes,
    "video/3gpp": read_boxes,
    "audio/mp4": read_boxes,
    "video/webm": read_matroska,
    "video/x-matroska": read_matroska,
    "video/x-msvideo": read_riff,
    "video/mp2t": read_ts,
    "audio/wav": read_riff,
    "audio/aiff": read_riff,
    "audio/mpeg": read_mp3,
    "audio/aac": read_aac,
    "audio/flac": read_flac,
    "audio/ogg": read_ogg,
    "audio/opus": read_ogg,
    "video/ogg": read_ogg,
    "audio/midi": read_midi,
    "model/gltf-binary": read_glb,
    "application/zip": read_zip,
    "application/pdf": read_pdf,
}

__all__ = [
    "READERS",
    "Content",
    "Whole",
    "aac_frame",
    "behind_id3",
    "box_kind",
    "matroska_kind",
    "mpeg_frame",
    "ogg_kind",
]

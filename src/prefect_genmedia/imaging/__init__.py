"""Pictures: read, check, cut to size, choose. Plain functions on files; the only room that imports Pillow."""

from prefect_genmedia.imaging.drawing.thumbnails import thumbnail
from prefect_genmedia.imaging.grids import quadrants, sharpest
from prefect_genmedia.imaging.incoming.ready import PictureLimit, Ready, as_it_is, made_ready
from prefect_genmedia.imaging.reading import MAX_PIXELS, PictureFacts, PictureHeader, header, inspect
from prefect_genmedia.imaging.rendering import render
from prefect_genmedia.imaging.renditions import SOCIAL, Rendition
from prefect_genmedia.imaging.writing import Rendered

__all__ = [
    "MAX_PIXELS",
    "SOCIAL",
    "PictureFacts",
    "PictureHeader",
    "PictureLimit",
    "Ready",
    "Rendered",
    "Rendition",
    "as_it_is",
    "header",
    "inspect",
    "made_ready",
    "quadrants",
    "render",
    "sharpest",
    "thumbnail",
]

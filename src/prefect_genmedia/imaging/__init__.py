"""Pictures: read, check, cut to size, choose. Plain functions on files; the only room that imports Pillow."""

from .grids import quadrants, sharpest
from .reading import MAX_PIXELS, PictureFacts, PictureHeader, header, inspect
from .rendering import render
from .renditions import SOCIAL, Rendition
from .thumbnails import thumbnail
from .writing import Rendered

__all__ = [
    "MAX_PIXELS",
    "SOCIAL",
    "PictureFacts",
    "PictureHeader",
    "Rendered",
    "Rendition",
    "header",
    "inspect",
    "quadrants",
    "render",
    "sharpest",
    "thumbnail",
]

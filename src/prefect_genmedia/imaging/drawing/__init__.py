"""What is laid over a picture, or put beside it: texts, labels, logos, sheets. Pure functions on Pillow's images."""

from prefect_genmedia.imaging.drawing.fonts import Face, face_for
from prefect_genmedia.imaging.drawing.labels import CORNERS, Corner, label
from prefect_genmedia.imaging.drawing.overlays import PLACES, Place, overlay
from prefect_genmedia.imaging.drawing.sheets import before_and_after, contact_sheet
from prefect_genmedia.imaging.drawing.text import Align, Look, fitted, write_text

__all__ = [
    "CORNERS",
    "PLACES",
    "Align",
    "Corner",
    "Face",
    "Look",
    "Place",
    "before_and_after",
    "contact_sheet",
    "face_for",
    "fitted",
    "label",
    "overlay",
    "write_text",
]

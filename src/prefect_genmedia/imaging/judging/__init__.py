"""Is this a picture worth publishing, have we got it already, and what shows in its place while it loads?"""

from prefect_genmedia.imaging.judging.attention import PaletteColour, focal_point, focused, palette
from prefect_genmedia.imaging.judging.likeness import NEAR, distance, fingerprint, near_duplicates
from prefect_genmedia.imaging.judging.placeholder import thumbhash
from prefect_genmedia.imaging.judging.quality import Fault, Quality, faults, faults_of, sharpness, small
from prefect_genmedia.imaging.judging.similarity import ssim

__all__ = [
    "NEAR",
    "Fault",
    "PaletteColour",
    "Quality",
    "distance",
    "faults",
    "faults_of",
    "fingerprint",
    "focal_point",
    "focused",
    "near_duplicates",
    "palette",
    "sharpness",
    "small",
    "ssim",
    "thumbhash",
]

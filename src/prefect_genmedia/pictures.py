"""The name of prefect_genmedia.media.pictures in version 0.1."""

from prefect_genmedia.media.pictures import Picture, PictureLimit, load_picture

__all__ = ["Picture", "PictureLimit", "load_picture"]

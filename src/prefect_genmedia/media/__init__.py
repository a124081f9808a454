"""Media files: pictures that go in, files that come out, and the store they are kept in."""

from prefect_genmedia.media.download import download
from prefect_genmedia.media.files import MediaFile, local_copies, local_copy, open_media
from prefect_genmedia.media.pictures import Picture
from prefect_genmedia.media.store import MediaStore

__all__ = ["MediaFile", "MediaStore", "Picture", "download", "local_copies", "local_copy", "open_media"]

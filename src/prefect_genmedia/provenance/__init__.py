"""What a file says of its origin: read, written and kept. Plain functions on bytes; no pixel is decoded."""

from prefect_genmedia.provenance.files import is_generated, marked, marks_in, packet_for, tags_for
from prefect_genmedia.provenance.marks import Mark, MarksFound, SourceType

__all__ = ["Mark", "MarksFound", "SourceType", "is_generated", "marked", "marks_in", "packet_for", "tags_for"]

"""What a file says of its origin: read, written and kept. Plain functions on bytes; no pixel is decoded."""

from prefect_genmedia.provenance.credentials import Credentials, credentials_in, require_c2pa, signed
from prefect_genmedia.provenance.files import credentials_seen, is_generated, marked, marks_in, packet_for, tags_for
from prefect_genmedia.provenance.marks import Mark, MarksFound, SourceType
from prefect_genmedia.provenance.signers import Signer

__all__ = [
    "Credentials",
    "Mark",
    "MarksFound",
    "Signer",
    "SourceType",
    "credentials_in",
    "credentials_seen",
    "is_generated",
    "marked",
    "marks_in",
    "packet_for",
    "require_c2pa",
    "signed",
    "tags_for",
]

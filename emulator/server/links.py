"""Where results lie: TTAPI's CDN without expiry, Novita's signed links that die."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST = 604800  # seconds, as with S3


def cdn_path(folder: str, job_id: str, created_at: float, name: str) -> str:
    """`name` is what follows the file's uuid: tl.png, .mp4."""
    return f"/cdn/{folder}/{datetime.fromtimestamp(created_at, UTC):%Y%m%d}/{cdn_uuid(job_id)}{name}"


def cdn_uuid(text: str) -> str:
    # As in the vendor's example, the file's uuid is not the job's.
    digest = hashlib.sha256(f"cdn:{text}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def uuid_of(text: str) -> str:
    """Always the same one for the same text."""
    return str(uuid.UUID(hashlib.sha256(text.encode()).hexdigest()[:32], version=4))


def novita_path(task_id: str, place: int, kind: str, storage: dict[str, object] | None) -> str:
    name = f"{hashlib.sha256(f'{task_id}:{place}'.encode()).hexdigest()[:32]}.{kind}"
    if storage is None:
        return f"/s3/prod/{task_id}/{name}"
    folder = str(storage["path"]).strip("/")
    own = [] if storage.get("save_to_path_directly") else [task_id]
    return quote(
        "/".join([f"/s3/{storage['bucket']}.s3.{storage['region']}", *([folder] if folder else []), *own, name])
    )


def signed(path: str, seed: int, now: float, seconds: int) -> str:
    """The path with a query in S3's manner, good for so many seconds."""
    moment = datetime.fromtimestamp(now, UTC)
    query = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"EMULATOR/{moment:%Y%m%d}/ap-southeast-1/s3/aws4_request",
        "X-Amz-Date": f"{moment:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        "x-id": "GetObject",
    }
    return f"{path}?{urlencode(query)}&X-Amz-Signature={_signature(path, query, seed)}"


def complaint(path: str, query: dict[str, str], seed: int, now: float) -> str | None:
    """S3's XML answer to a link that is no good (all are 403), or None."""
    try:
        moment = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = int(query["X-Amz-Expires"])
        given = query["X-Amz-Signature"].encode()
    except (KeyError, ValueError):
        return s3_error("AccessDenied", "Access Denied", path)
    if not 0 <= seconds <= LONGEST:
        return s3_error("AuthorizationQueryParametersError", f"X-Amz-Expires must be 0 to {LONGEST}", path)
    end = moment.timestamp() + seconds
    if now >= end:
        return expired(path, seconds, end, now)
    if not hmac.compare_digest(given, _signature(path, query, seed).encode()):
        text = "The request signature we calculated does not match the signature you provided."
        return s3_error("SignatureDoesNotMatch", f"{text} Check your key and signing method.", path)
    return None


def expired(path: str, seconds: int, end: float, now: float) -> str:
    stamps = {
        "X-Amz-Expires": str(seconds),
        "Expires": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "ServerTime": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return s3_error("AccessDenied", "Request has expired", path, stamps)


def s3_error(code: str, message: str, path: str, more: dict[str, str] | None = None) -> str:
    fields = {"Code": code, "Message": message, **(more or {}), "RequestId": "EMULATOR", "HostId": path}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'


def _signature(path: str, query: dict[str, str], seed: int) -> str:
    # Unlike S3's, it leaves the host out: the redirect fault serves the same link under another name.
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "x-id")
    text = "\n".join([path, *(f"{name}={query.get(name, '')}" for name in names)])
    return hmac.new(f"genmedia-emulator-{seed}".encode(), text.encode(), hashlib.sha256).hexdigest()

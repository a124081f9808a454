"""A large file to S3 in parts, seen when all are there; an upload that was killed goes on with the parts it lacks."""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

PART_BYTES = 8 * 1024**2
"""From twice this size on a file goes in parts of it; S3 takes none below 5 MB but the last."""
AT_ONCE = 4
MOST_LEFT = 5  # uploads of one name that were left open and are looked at


def put_in_parts(fs: Any, source: Path, path: str, told: dict[str, Any]) -> None:
    """`told` is what S3 is told of the file. Raises what the store raises; the upload then stays open. Blocking."""
    bucket, key, _ = fs.split_path(path)
    where = {"Bucket": bucket, "Key": key}
    upload, there = _left_open(fs, where, source)
    if upload is not None:
        # Another worker may have ended it meanwhile, or sent a part of its own: then it is begun anew.
        with suppress(OSError):
            _finish(fs, {**where, "UploadId": upload}, source, there)
            if _is_there(fs, where, told):
                fs.invalidate_cache(path)
                return
    upload = fs.call_s3("create_multipart_upload", **where, **told)["UploadId"]
    try:
        _finish(fs, {**where, "UploadId": upload}, source, {})
    except FileNotFoundError:
        # Another worker has found ours, and ended it: the file is there, or another is, and it is sent once more.
        if not _is_there(fs, where, told):
            upload = fs.call_s3("create_multipart_upload", **where, **told)["UploadId"]
            _finish(fs, {**where, "UploadId": upload}, source, {})
    fs.invalidate_cache(path)


def _is_there(fs: Any, where: dict[str, str], told: dict[str, Any]) -> bool:
    """Equal parts may be another file's beginning, which told of itself when its upload began."""
    with suppress(OSError):
        return bool(fs.call_s3("head_object", **where)["Metadata"] == told["Metadata"])
    return False


def _sums(source: Path) -> list[str]:
    """The MD5 of each part: S3's own name for it, unless the bucket encrypts with a key of its owner's."""
    sums = []
    with source.open("rb") as file:
        while part := file.read(PART_BYTES):
            sums.append(hashlib.md5(part, usedforsecurity=False).hexdigest())
    return sums


def _left_open(fs: Any, where: dict[str, str], source: Path) -> tuple[str | None, dict[int, str]]:
    """The newest upload of this name whose parts are all this file's, and those parts by their number."""
    with suppress(Exception):  # who may not ask, or a server that cannot tell: it is begun anew
        found = fs.call_s3("list_multipart_uploads", Bucket=where["Bucket"], Prefix=where["Key"]).get("Uploads", [])
        uploads = [each for each in found if each["Key"] == where["Key"]]
        sums = _sums(source) if uploads else []
        for each in sorted(uploads, key=lambda each: each["Initiated"], reverse=True)[:MOST_LEFT]:
            said = fs.call_s3("list_parts", **where, UploadId=each["UploadId"])
            there = {part["PartNumber"]: part["ETag"].strip('"') for part in said.get("Parts", [])}
            if there and all(number <= len(sums) and sums[number - 1] == tag for number, tag in there.items()):
                return each["UploadId"], there
    return None, {}


def _finish(fs: Any, upload: dict[str, str], source: Path, there: dict[int, str]) -> None:
    def send(number: int) -> dict[str, Any]:
        if number in there:
            return {"PartNumber": number, "ETag": there[number]}
        with source.open("rb") as file:
            file.seek((number - 1) * PART_BYTES)
            part = file.read(PART_BYTES)
        return {"PartNumber": number, "ETag": fs.call_s3("upload_part", **upload, PartNumber=number, Body=part)["ETag"]}

    with ThreadPoolExecutor(AT_ONCE) as threads:
        parts = list(threads.map(send, range(1, math.ceil(source.stat().st_size / PART_BYTES) + 1)))
    fs.call_s3("complete_multipart_upload", **upload, MultipartUpload={"Parts": parts})

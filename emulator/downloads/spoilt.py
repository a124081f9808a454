"""A result file, whole or spoilt."""

from __future__ import annotations

import hashlib
from functools import partial

from anyio import to_thread
from starlette.responses import Response

from prefect_genmedia.emulator.downloads import other_kinds
from prefect_genmedia.emulator.drawing.recordings import TYPES
from prefect_genmedia.emulator.faults import Fault
from prefect_genmedia.emulator.server.gallery import File
from prefect_genmedia.emulator.server.orders import Job
from prefect_genmedia.emulator.server.replies import Slow, Truncated
from prefect_genmedia.emulator.server.state import State
from prefect_genmedia.emulator.server.streams import Drip, Endless

PICTURES = {label: kind for kind, label in TYPES.items() if label.startswith("image/")}


async def content(state: State, job: Job, file: File) -> Response:
    body, label = await _bytes(state, job, file)
    operation, take = job.order.operation, state.faults.take
    if fault := take("download_truncated", operation, job.id):
        size = fault.parameters["bytes"]
        return Truncated(body, label, fault.parameters["length"], None if size is None else int(size))
    job.downloads += 1
    if fault := take("download_slow", operation, job.id):
        return Slow(body, label, float(fault.parameters["seconds"]))
    if fault := take("download_drip", operation, job.id):
        return Drip(body, label, int(fault.parameters["bytes"]), float(fault.parameters["pause_seconds"]))
    if fault := take("download_endless", operation, job.id):
        return Endless(body, label, b"\0", float(fault.parameters["pause_seconds"]))
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    return Response(body, media_type=label, headers={"etag": etag})


async def _bytes(state: State, job: Job, file: File) -> tuple[bytes, str]:
    """The file's bytes and label, such as the faults want them."""
    operation, take = job.order.operation, state.faults.take
    kind, factor, pixels = file.kind, 1.0, 0
    wrong_type = take("download_wrong_type", operation, job.id)
    label = str(wrong_type.parameters["content_type"]) if wrong_type else TYPES[kind]
    kind = PICTURES.get(label, kind)
    if fault := take("download_wrong_size", operation, job.id):
        factor, pixels = float(fault.parameters["factor"]), int(fault.parameters["pixels"])
    unended = take("download_jpeg_unended", operation, job.id)
    commented = take("download_png_wrong_checksum", operation, job.id)
    if unended or commented:
        kind = "jpeg" if unended else "png"
        label = TYPES[kind]
    body = await to_thread.run_sync(partial(state.gallery.read, file, kind, factor, pixels))
    if unended:
        body = body.removesuffix(b"\xff\xd9")
    if commented:
        body = other_kinds.png_wrong_checksum(body)
    if fault := take("download_other_kind", operation, job.id):
        return await to_thread.run_sync(_other, fault, body)
    return body, label


def _other(fault: Fault, body: bytes) -> tuple[bytes, str]:
    make, label = other_kinds.KINDS[fault.parameters["file"]]
    return make(body), fault.parameters["label"] or label

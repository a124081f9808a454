"""What Midjourney's pictures show, each made from the picture it goes back to."""

from __future__ import annotations

from PIL import Image

from prefect_genmedia.emulator.drawing import pictures
from prefect_genmedia.emulator.drawing.recordings import Drawn
from prefect_genmedia.emulator.server.gallery import Gallery
from prefect_genmedia.emulator.server.orders import Job

CORNERS = ("tl", "tr", "bl", "br")


def draw(gallery: Gallery, job: Job, part: str) -> Drawn:
    """`part`: one of CORNERS, or empty for the whole picture."""
    whole = _whole(gallery, job)
    if part:
        return whole.crop(pictures.quadrant_boxes(whole.size)[CORNERS.index(part)])
    return whole


def _whole(gallery: Gallery, job: Job) -> Image.Image:
    return gallery.whole(job.id, lambda: _drawn(gallery, job))


def _drawn(gallery: Gallery, job: Job) -> Image.Image:
    """A job without a parent is drawn afresh or from what came with it; any other from its parent's picture."""
    details, action = job.order.details, job.order.action
    size: tuple[int, int] = details["size"]
    half = (size[0] // 2, size[1] // 2)
    fresh = [pictures.scene(job.order.prompt, f"{job.seed()}:{n}", half) for n in range(4)]
    if action == "blend":
        return pictures.grid([_blended(gallery, details["inputs"], other) for other in fresh], size)
    if action in ("edit", "retexture"):
        return pictures.grid([_edited(gallery, job, n, other) for n, other in enumerate(fresh)], size)
    parent: Job | None = details["parent"]
    if parent is None or action == "reroll":
        return pictures.grid(fresh, size)
    base = _whole(gallery, parent)
    if action == "inpaint":
        mask = gallery.given(details["mask"]).convert("L").resize(half)
        return pictures.grid([Image.composite(other, base.resize(half), mask) for other in fresh], size)
    if action[-1] in "1234" and action.startswith(("upsample", "variation")):
        base = base.crop(pictures.quadrant_boxes(base.size)[int(action[-1]) - 1])
    if action.startswith("redo_upscale"):
        before: Job | None = parent.order.details["parent"]
        base = _whole(gallery, before) if before else base
    if action.startswith(("upsample", "upscale", "redo_upscale")):
        return pictures.enlarged(base, size)
    return pictures.grid([_changed(action, base, other, half) for other in fresh], size)


def _blended(gallery: Gallery, inputs: tuple[str, ...], other: Image.Image) -> Image.Image:
    """The given pictures in equal parts, with a little of something new."""
    mixed = gallery.given(inputs[0]).convert("RGB").resize(other.size)
    for place, sha256 in enumerate(inputs[1:], 2):
        mixed = Image.blend(mixed, gallery.given(sha256).convert("RGB").resize(other.size), 1 / place)
    return pictures.varied(mixed, other, 0.25)


def _edited(gallery: Gallery, job: Job, place: int, other: Image.Image) -> Image.Image:
    """What is transparent is painted anew; with nothing transparent, or in a retexture, all of it."""
    sha256: str | None = job.order.details["input"]
    if sha256 is None:
        return other
    source = gallery.given(sha256).convert("RGBA").resize(other.size)
    alpha = source.getchannel("A")
    if job.order.action == "retexture" or alpha.getextrema()[0] == 255:
        return pictures.transformed(source, job.order.prompt, f"{job.seed()}:{place}", other.size, 0.5)
    return Image.composite(source.convert("RGB"), other, alpha)


def _changed(action: str, base: Image.Image, other: Image.Image, size: tuple[int, int]) -> Image.Image:
    """One quadrant of an action that makes a grid out of one picture."""
    if action.endswith("variation") or action.startswith("variation"):
        return pictures.varied(
            base.resize(size), other, {"low_variation": 0.2, "high_variation": 0.55}.get(action, 0.35)
        )
    if action == "make_square":
        factor = size[0] / max(base.size)
        return pictures.placed(base, other, (round(base.width * factor), round(base.height * factor)), (0.5, 0.5))
    at = {"pan_left": (1.0, 0.5), "pan_right": (0.0, 0.5), "pan_up": (0.5, 1.0), "pan_down": (0.5, 0.0)}
    factor = 0.5 if action == "zoom_out_2" else 0.67
    inner = (round(size[0] * factor), round(size[1] * factor))
    return pictures.placed(base, other, inner, at.get(action, (0.5, 0.5)))

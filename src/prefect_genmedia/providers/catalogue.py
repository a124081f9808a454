"""Every operation of the pack, by its stable name."""

from typing import Any

from prefect_genmedia.operation import Operation
from prefect_genmedia.providers import current_name
from prefect_genmedia.providers.novita import job as novita_job
from prefect_genmedia.providers.novita.images import IMG2IMG, TXT2IMG
from prefect_genmedia.providers.novita.newer_videos import (
    KLING_V30_PRO_I2V,
    KLING_V30_STD_I2V,
    KLING_V30_STD_T2V,
    MINIMAX_HAILUO_23_FAST_I2V,
    WAN27_I2V,
)
from prefect_genmedia.providers.novita.video_models import (
    HUNYUAN_VIDEO_FAST,
    KLING_V16_I2V,
    KLING_V21_T2V_MASTER,
    MINIMAX_HAILUO_02,
)
from prefect_genmedia.providers.novita.videos import IMG2VIDEO, TXT2VIDEO
from prefect_genmedia.providers.ttapi import job as ttapi_job
from prefect_genmedia.providers.ttapi import suno
from prefect_genmedia.providers.ttapi.flowmusic import COVER, EXTEND, GENERATE, REPLACE, STEMS
from prefect_genmedia.providers.ttapi.midjourney import ACTION, IMAGINE
from prefect_genmedia.providers.ttapi.midjourney_pictures import BLEND, DESCRIBE, EDIT, INPAINT, SEED
from prefect_genmedia.providers.ttapi.midjourney_video import EXTEND_VIDEO, VIDEO
from prefect_genmedia.providers.ttapi.novelai import TEXT_TO_IMAGE
from prefect_genmedia.providers.ttapi.pictures import FLUX_IMAGE, FLUX_KONTEXT_IMAGE, GEMINI_IMAGE, GPT_IMAGE
from prefect_genmedia.providers.ttapi.videos import GEMINI_VIDEO, GROK_VIDEO, LUMA_VIDEO, SORA_PARTNER_VIDEO, SORA_VIDEO

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation
    for operation in (
        IMAGINE,
        ACTION,
        BLEND,
        DESCRIBE,
        INPAINT,
        SEED,
        EDIT,
        VIDEO,
        EXTEND_VIDEO,
        TEXT_TO_IMAGE,
        GENERATE,
        EXTEND,
        COVER,
        REPLACE,
        STEMS,
        suno.MUSIC,
        suno.EXTEND,
        suno.CONCAT,
        suno.COVER,
        suno.SOUNDS,
        suno.STEMS_ALL,
        FLUX_IMAGE,
        FLUX_KONTEXT_IMAGE,
        GPT_IMAGE,
        GEMINI_IMAGE,
        GROK_VIDEO,
        GEMINI_VIDEO,
        SORA_VIDEO,
        SORA_PARTNER_VIDEO,
        LUMA_VIDEO,
        ttapi_job.JOB,
        IMG2IMG,
        TXT2IMG,
        IMG2VIDEO,
        TXT2VIDEO,
        HUNYUAN_VIDEO_FAST,
        KLING_V16_I2V,
        KLING_V21_T2V_MASTER,
        MINIMAX_HAILUO_02,
        KLING_V30_STD_I2V,
        KLING_V30_PRO_I2V,
        KLING_V30_STD_T2V,
        WAN27_I2V,
        MINIMAX_HAILUO_23_FAST_I2V,
        novita_job.JOB,
    )
}


def find_operation(name: str) -> Operation[Any, Any] | None:
    """The operation of this name, or of this former name."""
    return OPERATIONS.get(current_name(name))

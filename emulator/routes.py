"""Everything that is served, and the products it belongs to."""

from __future__ import annotations

from prefect_genmedia.emulator import admin, pages
from prefect_genmedia.emulator.novita import (
    envelope as novita,
)
from prefect_genmedia.emulator.novita import (
    images as novita_images,
)
from prefect_genmedia.emulator.novita import (
    reads as novita_reads,
)
from prefect_genmedia.emulator.novita import (
    videos as novita_videos,
)
from prefect_genmedia.emulator.server import downloads as media
from prefect_genmedia.emulator.ttapi import (
    envelope as ttapi,
)
from prefect_genmedia.emulator.ttapi import (
    flowmusic,
    midjourney_edits,
    midjourney_given,
    midjourney_v1,
    midjourney_videos,
    novelai,
    suno,
)
from prefect_genmedia.emulator.ttapi import (
    other_products as ttapi_media,
)

# Each vendor's last has what its others leave.
MODULES = (
    midjourney_v1,
    midjourney_given,
    midjourney_edits,
    midjourney_videos,
    novelai,
    flowmusic,
    suno,
    ttapi_media,
    ttapi,
    novita_images,
    novita_videos,
    novita_reads,
)
PRODUCTS = (
    midjourney_v1.MIDJOURNEY,
    midjourney_edits.EDITS,
    midjourney_videos.VIDEOS,
    novelai.NOVELAI,
    flowmusic.FLOWMUSIC,
    suno.SUNO,
    *ttapi_media.PRODUCTS.values(),
    novita.NOVITA,
)
ROUTES = [
    *(route for module in MODULES for route in module.ROUTES),
    *media.ROUTES,
    *admin.ROUTES,
    *pages.ROUTES,
]

"""Everything that is served, and the products it belongs to."""

from __future__ import annotations

from . import (
    admin,
    flowmusic,
    media,
    midjourney_edits,
    midjourney_given,
    midjourney_v1,
    midjourney_videos,
    novelai,
    novita,
    novita_images,
    novita_reads,
    novita_videos,
    pages,
    suno,
    ttapi,
    ttapi_media,
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

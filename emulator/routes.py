"""Everything that is served, and the products it belongs to."""

from __future__ import annotations

from prefect_genmedia.emulator import admin, pages
from prefect_genmedia.emulator.downloads import routes as downloads
from prefect_genmedia.emulator.novita import envelope as novita
from prefect_genmedia.emulator.novita import images, reads, unified, videos
from prefect_genmedia.emulator.ttapi import envelope as ttapi
from prefect_genmedia.emulator.ttapi import flowmusic, flux, gemini_image, novelai, one_file_products, sora, suno
from prefect_genmedia.emulator.ttapi.midjourney import edits as midjourney_edits
from prefect_genmedia.emulator.ttapi.midjourney import given as midjourney_given
from prefect_genmedia.emulator.ttapi.midjourney import v1 as midjourney_v1
from prefect_genmedia.emulator.ttapi.midjourney import videos as midjourney_videos

# Each vendor's last has what its others leave.
MODULES = (
    midjourney_v1,
    midjourney_given,
    midjourney_edits,
    midjourney_videos,
    novelai,
    flowmusic,
    suno,
    flux,
    gemini_image,
    sora,
    one_file_products,
    ttapi,
    images,
    videos,
    unified,
    reads,
)
PRODUCTS = (
    midjourney_v1.MIDJOURNEY,
    midjourney_edits.EDITS,
    midjourney_videos.VIDEOS,
    novelai.NOVELAI,
    flowmusic.FLOWMUSIC,
    suno.SUNO,
    flux.PRODUCT,
    gemini_image.PRODUCT,
    sora.OWN,
    sora.PARTNERS,
    *one_file_products.PRODUCTS.values(),
    novita.NOVITA,
)
ROUTES = [
    *(route for module in MODULES for route in module.ROUTES),
    *downloads.ROUTES,
    *admin.ROUTES,
    *pages.ROUTES,
]

"""One Prefect task for each operation of the providers, and for each step after it."""

from prefect_genmedia.tasks import flowmusic, imaging, midjourney, novelai, novita, recipes, sheets, suno, ttapi

__all__ = ["flowmusic", "imaging", "midjourney", "novelai", "novita", "recipes", "sheets", "suno", "ttapi"]

"""Compositions of the tasks."""

from prefect_genmedia.flows.character_sheet import CharacterSheet, Drawing, character_sheet
from prefect_genmedia.flows.clip import Clip, Finish, clip
from prefect_genmedia.flows.content_calendar import content_calendar
from prefect_genmedia.flows.illustrate import illustrate
from prefect_genmedia.flows.localise import Lettering, Localised, Wording, localise
from prefect_genmedia.flows.recovery import adopt_orphans, resume_job
from prefect_genmedia.flows.release_track import Release, release_track
from prefect_genmedia.flows.restyle import restyle
from prefect_genmedia.flows.review import Review, review
from prefect_genmedia.flows.review_deadline import review_deadline
from prefect_genmedia.flows.runs.batches import BatchReport
from prefect_genmedia.flows.runs.calendar_rows import CalendarRow
from prefect_genmedia.flows.runs.parameters import Photograph, Refinement
from prefect_genmedia.flows.spending import SpendReport, spend_report
from prefect_genmedia.flows.steps.advanced import (
    AdvancedCalendar,
    AdvancedClip,
    AdvancedIllustrate,
    AdvancedRestyle,
    AdvancedSheet,
    AdvancedTrack,
    AdvancedVariants,
)
from prefect_genmedia.flows.steps.studio import Teaser
from prefect_genmedia.flows.steps.styles import Steering, Style
from prefect_genmedia.flows.variants import Concept, Product, variants

__all__ = [
    "AdvancedCalendar",
    "AdvancedClip",
    "AdvancedIllustrate",
    "AdvancedRestyle",
    "AdvancedSheet",
    "AdvancedTrack",
    "AdvancedVariants",
    "BatchReport",
    "CalendarRow",
    "CharacterSheet",
    "Clip",
    "Concept",
    "Drawing",
    "Finish",
    "Lettering",
    "Localised",
    "Photograph",
    "Product",
    "Refinement",
    "Release",
    "Review",
    "SpendReport",
    "Steering",
    "Style",
    "Teaser",
    "Wording",
    "adopt_orphans",
    "character_sheet",
    "clip",
    "content_calendar",
    "illustrate",
    "localise",
    "release_track",
    "restyle",
    "resume_job",
    "review",
    "review_deadline",
    "spend_report",
    "variants",
]

"""Compositions of the tasks."""

from prefect_genmedia.flows.batches import BatchReport
from prefect_genmedia.flows.calendar_rows import CalendarRow
from prefect_genmedia.flows.content_calendar import content_calendar
from prefect_genmedia.flows.illustrate import illustrate
from prefect_genmedia.flows.localise import Lettering, Localised, Wording, localise
from prefect_genmedia.flows.parameters import Photograph, Refinement
from prefect_genmedia.flows.recovery import adopt_orphans, resume_job
from prefect_genmedia.flows.restyle import restyle
from prefect_genmedia.flows.review import Review, review
from prefect_genmedia.flows.review_deadline import review_deadline
from prefect_genmedia.flows.spending import SpendReport, spend_report
from prefect_genmedia.flows.styles import Steering, Style
from prefect_genmedia.flows.variants import Concept, Product, variants

__all__ = [
    "BatchReport",
    "CalendarRow",
    "Concept",
    "Lettering",
    "Localised",
    "Photograph",
    "Product",
    "Refinement",
    "Review",
    "SpendReport",
    "Steering",
    "Style",
    "Wording",
    "adopt_orphans",
    "content_calendar",
    "illustrate",
    "localise",
    "restyle",
    "resume_job",
    "review",
    "review_deadline",
    "spend_report",
    "variants",
]

"""Compositions of the tasks."""

from prefect_genmedia.flows.batches import BatchReport
from prefect_genmedia.flows.calendar_rows import CalendarRow
from prefect_genmedia.flows.content_calendar import content_calendar
from prefect_genmedia.flows.illustrate import illustrate
from prefect_genmedia.flows.parameters import Photograph, Refinement
from prefect_genmedia.flows.recovery import adopt_orphans, resume_job

__all__ = [
    "BatchReport",
    "CalendarRow",
    "Photograph",
    "Refinement",
    "adopt_orphans",
    "content_calendar",
    "illustrate",
    "resume_job",
]

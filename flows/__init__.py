"""Compositions of the tasks."""

from prefect_genmedia.flows.illustrate import illustrate
from prefect_genmedia.flows.parameters import Photograph, Refinement
from prefect_genmedia.flows.recovery import adopt_orphans, resume_job

__all__ = ["Photograph", "Refinement", "adopt_orphans", "illustrate", "resume_job"]

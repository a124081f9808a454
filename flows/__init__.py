"""Compositions of the tasks."""

from .illustrate import Photograph, Refinement, illustrate
from .recovery import adopt_orphans, resume_job

__all__ = ["Photograph", "Refinement", "adopt_orphans", "illustrate", "resume_job"]

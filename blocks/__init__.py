"""What a user configures in Prefect."""

from .budget import Budget
from .credentials import NovitaCredentials, TTAPICredentials

__all__ = ["Budget", "NovitaCredentials", "TTAPICredentials"]

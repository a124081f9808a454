"""The receiver of provider callbacks."""

from .receiver import create_receiver

__all__ = ["create_receiver"]

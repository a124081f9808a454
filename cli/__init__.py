"""The `genmedia` command."""

from prefect_genmedia.cli.commands import main

__all__ = ["main"]

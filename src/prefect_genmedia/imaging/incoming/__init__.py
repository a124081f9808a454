"""Pictures on their way to a provider: stripped, made ready."""

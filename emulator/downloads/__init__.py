"""Result files: where they lie, and what can go wrong when they are fetched."""

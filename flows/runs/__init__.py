"""What a run is asked for, checks before it buys, does side by side, and says of its failures."""

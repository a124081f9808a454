"""What every paid task is made with."""

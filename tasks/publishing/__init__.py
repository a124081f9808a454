"""What stands beside and inside a published file, and the sizes it comes in."""

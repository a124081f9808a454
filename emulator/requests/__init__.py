"""What a request may hold: its fields, and the pictures that come with it."""

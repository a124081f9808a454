"""What flows do with a picture, a film or a song, from a wish to what is published."""

"""What check-ups find, judged."""

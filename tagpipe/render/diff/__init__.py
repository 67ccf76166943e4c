"""A comparison as text, Markdown, HTML and JSON."""

"""Results to terminal, Markdown and JSON."""

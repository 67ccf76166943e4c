"""Results to terminal, Markdown, HTML, JSON and plots."""

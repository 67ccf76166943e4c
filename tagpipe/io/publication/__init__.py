"""Publication refs, the one pull request, GitHub."""

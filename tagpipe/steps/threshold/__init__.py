"""The cut by support, and the measures of what is left."""

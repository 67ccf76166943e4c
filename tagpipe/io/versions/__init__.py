"""A dataset version wherever it is: work tree, revision, build folder."""

"""Dataset versions in a work tree, at a git revision or in a build folder."""

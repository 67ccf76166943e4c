"""What is asked of git: commits, work trees, remotes."""

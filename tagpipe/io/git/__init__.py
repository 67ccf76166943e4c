"""What is asked of git: commands, work trees, remotes."""

"""A dataset repository and its programs: layout, files, locks, revisions; git and DVC as processes."""

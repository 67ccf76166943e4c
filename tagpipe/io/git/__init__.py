"""Commits, work trees and remotes of a git repository."""

"""Versions along git's history: their age and their candidates."""

"""Prefect only: what runs the DVC stages, and no data logic."""

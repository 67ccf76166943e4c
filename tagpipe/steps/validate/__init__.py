"""Received bytes to typed tables."""

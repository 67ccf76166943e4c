"""The two inputs: pins, downloads, what upstream has."""

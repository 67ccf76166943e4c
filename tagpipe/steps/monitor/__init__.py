"""Tags outside the vocabulary, watched over time."""

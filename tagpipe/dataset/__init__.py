"""A version as a whole: built in memory, summarized, explained."""

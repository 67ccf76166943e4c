"""The pure core: tables and parameters in, new values out; no file, clock, network or random number."""

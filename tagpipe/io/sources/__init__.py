"""The two inputs: their files, pins and downloads, and changes upstream."""

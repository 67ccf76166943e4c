"""Two versions: what differs, what caused it, and whether it keeps to the gates."""

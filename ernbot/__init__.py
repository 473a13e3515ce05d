"""End-to-end-encrypted case rooms for rare-disease expert networks."""

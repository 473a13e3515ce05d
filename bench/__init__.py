"""Benchmarks: one module per claim. They measure the running system from outside and never reach into it."""

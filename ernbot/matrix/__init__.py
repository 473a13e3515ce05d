"""The Matrix edge: everything that knows nio, events, devices and rooms."""

"""The rules of case work: frozen dataclasses and pure functions. No I/O, no clock, no language, no Matrix."""

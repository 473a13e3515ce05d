"""Documents made from an outcome: one module each, with one function `render`."""

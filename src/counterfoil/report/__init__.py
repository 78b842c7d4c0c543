"""Results to text: one module per format, each with `render` (a report) and `table` (any rows), found by `registry`."""

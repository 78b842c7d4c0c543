"""The command line: parses, calls one function of `app`, renders. One module per group of commands."""

"""Exports of key stores, clouds and directories: each module holds one `EXPORT`, or several as `EXPORTS`."""

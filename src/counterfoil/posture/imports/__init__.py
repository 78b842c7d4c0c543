"""Results of other scanners, read as they are: each module holds one `IMPORT`."""

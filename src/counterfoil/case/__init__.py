"""The case folder: evidence as Parquet, results as DuckDB, a manifest of what went in. Alone knows the engine."""

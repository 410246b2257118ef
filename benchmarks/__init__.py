"""Benchmarks: ``python -m benchmarks [name ...]`` prints one table each."""

"""What the engine costs, beside what the same work costs without one: `python -m benchmarks`.

Here live the floors (a bare commit, a bare gRPC answer), the load generator, and one section per group of
rows of the table in README.md. Nothing here is a test: a slow machine makes a slow table, not a red one.
Nobody imports this package.
"""

"""The sections of the table, one module each: `measure(sizes)` yields its rows as they are known.

A section starts what it needs and stops it again; it knows no other section.
"""

"""The built-in custom constraints (templates.md §12.8): what a text must be, and what the caller's cloud must have.

Each is a function with the decorator of engine.plugin.constraint, found like the resource types beside them. Nothing
here reaches a cloud by itself: lookups go through the port that a constraint is given.
"""

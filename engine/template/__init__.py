"""The template language: from the text that a user wrote to declarations and expressions.

Pure: source to tree with lines, dialects (HOT and CFN), parameters, environments, validation that collects
every problem. What an expression means is decided here; what a resource type means is not, it is passed in.
Called by usecases and by plan.
"""

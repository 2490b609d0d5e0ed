"""Directed graphs and the frontier that walks them.

Pure, and about nodes of any kind: no word of stacks, resources or visits belongs here. Called by plan, which
builds the graphs, and by runtime, which asks the frontier what is ready next.
"""

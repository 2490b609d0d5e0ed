"""The built-in resource types: a folder per service, a file per type. Also `constraints` and event `sinks`.

A type imports engine.plugin (and the floors below it) and nothing else of ours; it never waits, and never
touches the store. All are found by walking these folders, so there is no list to add to. Called by the
registry.
"""

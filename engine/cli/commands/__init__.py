"""One module for each command of `isotherm`, named like it; its `command` is what click runs.

Here stands what a command takes and in what order things happen. How to speak to an engine, to print and to
draw stands one folder up. Loaded by `engine.cli.main`, one at a time.
"""

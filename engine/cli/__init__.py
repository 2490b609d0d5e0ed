"""The command line `isotherm`: a client of the engine like any other.

It speaks to an engine through the generated stubs, and draws what comes back for people or prints it for
programs. It may start an engine (`serve`), upgrade a database (`db`) and show the configuration, and knows
no other floor. Called from a shell.
"""

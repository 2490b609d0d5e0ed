"""The wire contract of Isotherm in Python, one package per version of it.

Whatever has `_pb2` in its name is written by `make proto` from proto/ and never edited; beside it stand only these
door signs and the marker that the package has types. Servers and clients import it: `engine.api`,
`engine.clients.peers`, `engine.cli`, and any program that talks to an engine.
"""

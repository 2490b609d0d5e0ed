"""Ports to other systems: clouds, and the listeners of other engines.

Each port is a Protocol with its implementations beside it. A third party's exceptions are translated here
and go no further. What to do with an answer is not decided here. Handed out by service to whoever takes the
port as a parameter.
"""

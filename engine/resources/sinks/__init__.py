"""The built-in types of event sinks, one file each.

A sink imports engine.plugin (and the floors below it) and nothing else of ours. Found by the registry, fed by
`runtime/outlets.py`.
"""

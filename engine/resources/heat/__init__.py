"""The OS::Heat types: the ones that need no cloud, and those that are stacks themselves.

One file per type, named after it in snake case. Helpers shared by several types belong to engine.plugin.
"""

"""Walks under way: the conductor, the pool, timers, locks, recovery, periodic work.

The only threads of the engine are started here, and the clock is read here. What a visit comes to is decided
by plan and done by a plugin; this floor only sees to it that each happens once, in order, and is recorded.
Called by usecases to start, stop and signal a stack, and by service to start and stop.
"""

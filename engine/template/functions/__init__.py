"""The intrinsic functions, one module per family.

A function is one entry in the module of its family and is found by discovery; there is no central list to
edit, and a doubled name stops the start. Values in, value or problem out: no function reads a file, a clock
or a cloud. Called by the evaluator of expressions next door.
"""

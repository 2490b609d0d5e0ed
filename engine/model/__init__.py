"""The words of the domain: ids, states, records, errors and problems.

Here live frozen values and the literal tables of what may follow what. Nothing here imports another floor, reads a
clock or touches the outside; every other floor imports from here.
"""

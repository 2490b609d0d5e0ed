"""The database, and the only floor that knows it.

Short transactions, `read()` and `write()`, over SQLAlchemy; one module per noun turns rows into records of the model
and back. A row never leaves. Races are decided by unique keys and compare-and-set, and a change of state is written
with its event. No cloud, plugin or stream is called inside a transaction. Called by usecases and runtime.
"""

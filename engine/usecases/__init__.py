"""What a caller can ask: one function per RPC, in a module per noun.

Rules of the service live here: who may see what, what is checked before anything is stored, what one
transaction holds. No protobuf, no SQL, no thread. Called by api, and by nobody else.
"""

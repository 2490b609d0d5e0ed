"""The engine as a gRPC service: convert, call, convert.

A method is three lines and holds no rule; the modules have the stems of usecases. Requests are wrapped once,
in the interceptors: request id, caller, limits, errors, logging. Which error becomes which status is one
table. Called by gRPC; built and bound by service.
"""

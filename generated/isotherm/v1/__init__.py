"""Version 1 of the contract: `<noun>_pb2` has messages and enums, `<name>_service_pb2_grpc` stub and servicer.

Written by `make proto`, except for this file; nothing may be added by hand. The comments of the .proto files stand in
the .pyi files beside the modules. Callers import the modules: `from isotherm.v1 import stack_pb2`.
"""

"""Create a stack, follow it to its end, print its outputs: python_client.py ENDPOINT NAME TEMPLATE."""

import sys
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToDict
from isotherm.v1 import common_pb2, engine_service_pb2_grpc, event_pb2, stack_pb2

endpoint, name, template = sys.argv[1:]
engine = engine_service_pb2_grpc.EngineServiceStub(grpc.insecure_channel(endpoint))
text = Path(template).read_text(encoding="utf-8")
stack = engine.CreateStack(stack_pb2.CreateStackRequest(stack_name=name, template=text)).stack_identity
for answer in engine.WatchEvents(event_pb2.WatchEventsRequest(stack_identity=stack)):
    event = answer.event
    print(event.resource_name, event.resource_status_reason)
    if event.physical_resource_id == stack.stack_id and event.resource_status != common_pb2.STATUS_IN_PROGRESS:
        break
for output in engine.ShowStack(stack_pb2.ShowStackRequest(stack_identity=stack)).stacks[0].outputs:
    print(output.output_key, "=", MessageToDict(output.output_value))

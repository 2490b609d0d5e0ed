"""Between protobuf messages and values of the model, in both directions.

The stems are those of api. Each conversion is a plain function that has no effect and makes no decision; a
message that cannot be converted is an invalid argument with the path of its field. Called by api only.
"""

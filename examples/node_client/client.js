// Create a stack, follow it to its end, print its outputs: node client.js ENDPOINT NAME TEMPLATE
const grpc = require("@grpc/grpc-js");
const proto = require("@grpc/proto-loader").loadSync("isotherm/v1/engine_service.proto", {
  includeDirs: [`${__dirname}/../../proto`], keepCase: true, enums: String,
});
const { EngineService } = grpc.loadPackageDefinition(proto).isotherm.v1;

const [endpoint, stack_name, file] = process.argv.slice(2);
const engine = new EngineService(endpoint, grpc.credentials.createInsecure());
const template = require("node:fs").readFileSync(file, "utf8");
engine.CreateStack({ stack_name, template }, async (error, created) => {
  if (error) throw error;
  const watching = engine.WatchEvents(created);
  for await (const { event } of watching) {
    console.log(event.resource_name, event.resource_status_reason);
    const isOfStack = event.physical_resource_id === created.stack_identity.stack_id;
    if (isOfStack && event.resource_status !== "STATUS_IN_PROGRESS") break;
  }
  watching.cancel(); // the stream would never end by itself
  engine.ShowStack(created, (error, { stacks: [{ outputs }] }) => {
    for (const { output_key, output_value } of outputs) console.log(output_key, "=", output_value.stringValue);
    engine.close();
  });
});

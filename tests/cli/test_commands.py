"""What the commands ask an engine, and how they print what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from google.protobuf.struct_pb2 import Struct
from isotherm.v1 import event_pb2, output_pb2, resource_pb2, resource_type_pb2, service_pb2, stack_pb2, template_pb2

from engine.cli.main import COMMANDS, main
from engine.config import Config

ROOT = Path(__file__).parents[2]
IDENTITY = {"tenant": "default", "stack_name": "web", "stack_id": "root-id"}


def summaries(*names: str, next_marker: str = "") -> stack_pb2.ListStacksResponse:
    stacks = [
        stack_pb2.StackSummary(stack_name=name, stack_identity=IDENTITY, stack_action=1, stack_status=2)
        for name in names
    ]
    return stack_pb2.ListStacksResponse(stacks=stacks, next_marker=next_marker)


def test_a_list_is_read_page_by_page(engine, isotherm) -> None:
    engine.answers["ListStacks"] = [summaries("a", "b", next_marker="m"), summaries("c")]

    result = isotherm("stack", "list", "-o", "json")

    assert [stack["stack_name"] for stack in json.loads(result.stdout)] == ["a", "b", "c"]
    assert [request.marker for request in engine.asked["ListStacks"]] == ["", "m"]


def test_a_limit_is_kept_over_pages(engine, isotherm) -> None:
    engine.answers["ListStacks"] = [summaries("a", "b", next_marker="m"), summaries("c", next_marker="n")]

    result = isotherm("stack", "list", "--limit", "3", "-o", "json")

    assert len(json.loads(result.stdout)) == 3
    assert [request.limit for request in engine.asked["ListStacks"]] == [3, 1]


def test_into_a_pipe_go_plain_columns(engine, isotherm) -> None:
    engine.answers["ListStacks"] = summaries("a")

    header, row = isotherm("stack", "list").stdout.splitlines()

    assert header.split() == ["STACK_NAME", "STATUS", "CREATION_TIME", "UPDATED_TIME", "ID"]
    assert row.split() == ["a", "CREATE_COMPLETE", "root-id"]


def test_the_project_travels_in_the_metadata(engine, isotherm) -> None:
    engine.answers["ListStacks"] = summaries()
    isotherm("stack", "list", "--project", "blue")

    assert engine.metadata[0]["x-project-id"] == "blue"


def test_filters_and_sorting_reach_the_engine(engine, isotherm) -> None:
    engine.answers["ListStacks"] = summaries()
    isotherm("stack", "list", "--status", "FAILED", "--tag", "t", "--sort", "stack_name", "--descending", "--deleted")

    request = engine.asked["ListStacks"][0]
    assert list(request.filters.stack_status) == ["FAILED"]
    assert (list(request.tags), list(request.sort_keys), request.sort_dir) == (["t"], ["stack_name"], 2)
    assert request.show_deleted


@pytest.mark.parametrize(("form", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_get_every_key_and_whole_numbers_whole(engine, isotherm, form: str, parse) -> None:
    output = output_pb2.Output(output_key="n")
    output.output_value.struct_value.update({"count": 3, "list": [1.5, "ß"]})
    stack = stack_pb2.Stack(stack_name="web", stack_identity=IDENTITY, stack_action=1, stack_status=2)
    stack.outputs.append(output)
    engine.answers["ShowStack"] = stack_pb2.ShowStackResponse(stacks=[stack])

    values = parse(isotherm("stack", "show", "web", "-o", form).stdout)

    value = values["outputs"][0]["output_value"]
    assert value == {"count": 3, "list": [1.5, "ß"]}
    assert isinstance(value["count"], int)
    assert values["status"] == "CREATE_COMPLETE"
    assert values["stack_action"] == "CREATE"
    assert values["timeout_mins"] is None
    assert values["tags"] == []


def test_create_sends_what_was_given(engine, isotherm, tmp_path: Path, stack_in) -> None:
    template = tmp_path / "t.yaml"
    template.write_text("resources: {}")
    engine.answers["CreateStack"] = stack_pb2.CreateStackResponse(stack_identity=IDENTITY)
    engine.answers["ShowStack"] = stack_in("CREATE_IN_PROGRESS")

    result = isotherm(
        *("stack", "create", "web", "-t", str(template), "-P", "a=1", "-P", "b=x=y"),
        *("--tag", "t", "--timeout", "5", "--disable-rollback"),
    )

    request = engine.asked["CreateStack"][0]
    assert dict(request.parameters) == {"a": "1", "b": "x=y"}
    assert (list(request.tags), request.timeout_mins, request.disable_rollback) == (["t"], 5, True)
    assert (request.template, request.stack_name) == ("resources: {}", "web")
    assert request.request_id
    assert "CREATE_IN_PROGRESS" in result.stdout


def test_update_says_only_what_was_said(engine, isotherm, stack_in) -> None:
    engine.answers |= {
        "IdentifyStack": stack_pb2.IdentifyStackResponse(stack_identity=IDENTITY),
        "UpdateStack": stack_pb2.UpdateStackResponse(stack_identity=IDENTITY),
        "GetTemplate": template_pb2.GetTemplateResponse(),
        "ShowStack": stack_in("UPDATE_IN_PROGRESS"),
    }
    result = isotherm("stack", "update", "web", "--existing", "-P", "a=1", "--clear-parameter", "b")

    assert result.exit_code == 0, result.output
    request = engine.asked["UpdateStack"][0]
    assert request.existing
    assert list(request.clear_parameters) == ["b"]
    assert not request.HasField("disable_rollback")
    assert not request.HasField("timeout_mins")
    assert request.stack_identity.stack_id == "root-id"


def test_preview_of_an_update_tells_each_change(engine, isotherm) -> None:
    engine.answers["PreviewUpdateStack"] = stack_pb2.PreviewUpdateStackResponse(
        replaced=[resource_pb2.Resource(resource_name="a", resource_type="T")],
        deleted=[resource_pb2.Resource(resource_name="b", resource_type="T")],
    )
    lines = isotherm("stack", "preview", "web", "--update").stdout.splitlines()

    assert [line.split() for line in lines[1:]] == [["replaced", "a", "T"], ["deleted", "b", "T"]]


def test_preview_of_an_update_asks_for_what_the_update_would_be_given(engine, isotherm) -> None:
    engine.answers["PreviewUpdateStack"] = stack_pb2.PreviewUpdateStackResponse()
    more = ("--clear-parameter", "a", "--tag", "t", "--timeout", "5", "--enable-rollback")
    result = isotherm("stack", "preview", "web", "--update", "--existing", *more)
    (request,) = engine.asked["PreviewUpdateStack"]

    assert result.exit_code == 0, result.output
    assert (request.existing, list(request.clear_parameters)) == (True, ["a"])
    assert (list(request.tags), request.timeout_mins, request.disable_rollback) == (["t"], 5, False)


def test_preview_of_a_new_stack_tells_its_resources(engine, isotherm, tmp_path: Path) -> None:
    template = tmp_path / "t.yaml"
    template.write_text("resources: {}")
    properties = Struct()
    properties.update({"length": 4})
    inner = resource_pb2.Resource(resource_name="b", resource_type="T", properties=properties)
    resource = resource_pb2.Resource(resource_name="a", resource_type="inner.yaml", resources=[inner])
    engine.answers["PreviewStack"] = stack_pb2.PreviewStackResponse(stack=stack_pb2.Stack(resources=[resource]))

    first, second = isotherm("stack", "preview", "web", "-t", str(template)).stdout.splitlines()[1:]

    assert first.split() == ["added", "a", "inner.yaml"]
    assert second.split(maxsplit=3) == ["added", "a/b", "T", '{"length": 4}']


def test_one_output_is_printed_bare(engine, isotherm) -> None:
    answer = output_pb2.ShowOutputResponse()
    answer.output.output_value.string_value = "two words"
    engine.answers["ShowOutput"] = answer

    assert isotherm("stack", "outputs", "web", "key").stdout == "two words\n"


def test_an_output_that_cannot_be_resolved_shows_why(engine, isotherm) -> None:
    output = output_pb2.Output(output_key="n", output_error="no such attribute")
    stack = stack_pb2.Stack(stack_name="web", outputs=[output])
    engine.answers["ShowStack"] = stack_pb2.ShowStackResponse(stacks=[stack])

    assert "no such attribute" in isotherm("stack", "outputs", "web").stdout


def test_events_are_printed_oldest_first(engine, isotherm, happening) -> None:
    events = [happening("a", "CREATE_IN_PROGRESS"), happening("a", "CREATE_COMPLETE")]
    engine.answers["ListEvents"] = event_pb2.ListEventsResponse(events=reversed(events))

    rows = isotherm("stack", "events", "web").stdout.splitlines()[1:]

    assert [row.split()[2] for row in rows] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_filters_of_events_reach_the_engine(engine, isotherm) -> None:
    engine.answers["ListEvents"] = event_pb2.ListEventsResponse()
    isotherm(
        *("stack", "events", "web", "--resource", "a", "--resource", "b", "--type", "T"),
        *("--action", "CREATE", "--status", "FAILED"),
    )
    filters = engine.asked["ListEvents"][0].filters

    assert (list(filters.resource_name), list(filters.resource_type)) == (["a", "b"], ["T"])
    assert (list(filters.resource_action), list(filters.resource_status)) == (["CREATE"], ["FAILED"])
    assert list(filters.uuid) == []


def test_one_event_is_shown_with_the_properties_of_its_resource(engine, isotherm, happening) -> None:
    event = happening("a", "CREATE_COMPLETE")
    event.resource_properties.update({"length": 4})
    engine.answers["ListEvents"] = event_pb2.ListEventsResponse(events=[event])
    lines = isotherm("stack", "events", "web", "--id", "event-1").stdout.splitlines()
    found = json.loads(isotherm("stack", "events", "web", "--id", "event-1", "-o", "json").stdout)

    assert ["resource_properties", '{"length":', "4}"] in [line.split() for line in lines]
    assert (found["event_id"], found["resource_properties"]) == ("event-1", {"length": 4})
    assert list(engine.asked["ListEvents"][0].filters.uuid) == ["event-1"]


def test_an_event_that_does_not_exist_is_exit_code_4(engine, isotherm) -> None:
    engine.answers["ListEvents"] = event_pb2.ListEventsResponse()
    result = isotherm("stack", "events", "web", "--id", "event-1")

    assert result.exit_code == 4
    assert 'there is no event "event-1" in stack "web"' in result.stderr


def test_resources_are_listed(engine, isotherm) -> None:
    resource = resource_pb2.Resource(
        resource_name="a", resource_type="T", resource_action=11, resource_status=2, physical_resource_id="p"
    )
    engine.answers["ListStackResources"] = resource_pb2.ListStackResourcesResponse(resources=[resource])

    row = isotherm("stack", "resources", "web", "--nested-depth", "2").stdout.splitlines()[1]

    assert row.split() == ["a", "T", "INIT_COMPLETE", "p"]
    assert engine.asked["ListStackResources"][0].nested_depth == 2


def test_a_valid_template_tells_its_parameters(engine, isotherm, tmp_path: Path) -> None:
    template = tmp_path / "t.yaml"
    template.write_text("x")
    parameter = template_pb2.TemplateParameter(type="Number", description="How many.")
    engine.answers["ValidateTemplate"] = template_pb2.ValidateTemplateResponse(parameters={"n": parameter})

    result = isotherm("template", "validate", "-t", str(template))

    assert result.stdout.startswith(f"{template} is valid.\n")
    assert "How many." in result.stdout


def test_a_type_is_shown_with_properties_and_attributes(engine, isotherm) -> None:
    engine.answers["ResourceSchema"] = resource_type_pb2.ResourceSchemaResponse(
        resource_type="T",
        description="A thing.",
        properties={"size": resource_type_pb2.PropertySchema(type="integer", required=True)},
        attributes={"color": resource_type_pb2.AttributeSchema(type="string")},
    )
    text = isotherm("resource-type", "show", "T").stdout

    assert text.startswith("T: A thing.\n")
    assert "size      integer  true" in text
    assert "color" in text


def test_a_template_to_begin_with_is_printed_as_it_is(engine, isotherm) -> None:
    engine.answers["GenerateTemplate"] = template_pb2.GenerateTemplateResponse(template="a: b\n")

    assert isotherm("template", "generate", "T", "--format", "cfn").stdout == "a: b\n"
    assert engine.asked["GenerateTemplate"][-1].template_type == template_pb2.TEMPLATE_TYPE_CFN


def test_versions_and_functions_of_the_language_are_listed(engine, isotherm) -> None:
    version = template_pb2.TemplateVersion(version="heat_template_version.2016-10-14", aliases=["newton"])
    engine.answers["ListTemplateVersions"] = template_pb2.ListTemplateVersionsResponse(template_versions=[version])
    function = template_pb2.TemplateFunction(functions="if", description="Yield one of two values.")
    engine.answers["ListTemplateFunctions"] = template_pb2.ListTemplateFunctionsResponse(template_functions=[function])

    assert "heat_template_version.2016-10-14" in isotherm("template", "versions").stdout
    assert "Yield one of two values." in isotherm("template", "functions", "v", "--with-condition").stdout
    assert engine.asked["ListTemplateFunctions"][-1].with_condition


def test_types_and_engines_are_listed(engine, isotherm) -> None:
    resource_type = resource_type_pb2.ResourceType(resource_type="T", description="A thing.")
    engine.answers["ListResourceTypes"] = resource_type_pb2.ListResourceTypesResponse(resource_types=[resource_type])
    engine.answers["ListServices"] = service_pb2.ListServicesResponse(
        services=[service_pb2.Service(hostname="here", status=1)]
    )

    assert "A thing." in isotherm("resource-type", "list").stdout
    assert isotherm("service", "list").stdout.splitlines()[1].split() == ["here", "UP"]


def test_config_show_tells_where_each_value_is_from(tmp_path: Path) -> None:
    file = tmp_path / "isotherm.toml"
    file.write_text("pool_size = 3")
    arguments = ["config", "show", "--config", str(file), "--encryption-keys", "sesame", "-o", "json"]
    result = CliRunner(env={"ISOTHERM_RPC_WORKERS": "5"}).invoke(main, arguments)

    rows = {row["option"]: (row["value"], row["from"]) for row in json.loads(result.stdout)}
    assert rows["pool_size"] == (3, f"file {file}")
    assert rows["rpc_workers"] == (5, "environment")
    assert rows["encryption_keys"] == (["******"], "flag")
    assert rows["max_template_size"] == (524288, "default")
    assert list(rows) == list(Config.model_fields)


def test_each_command_explains_itself() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])

        assert result.exit_code == 0, result.output


def test_a_client_does_not_load_the_engine() -> None:
    """It would take it three times as long to answer."""
    code = (
        "import sys; from engine.cli.commands import stack; "
        "print([name for name in sys.modules if name.startswith(('engine.', 'sqlalchemy', 'pydantic'))])"
    )
    path = f"{ROOT}:{ROOT / 'generated'}"
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )

    assert [name for name in eval(result.stdout) if not name.startswith("engine.cli")] == []

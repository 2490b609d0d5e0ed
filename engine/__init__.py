"""The engine: it brings stacks of resources to the state that a template declares.

The folders here are floors, and a module imports downwards only: service, cli, config, api, usecases,
runtime and resources, store and clients and plugin, plan, graph and template, schema, model. ARCHITECTURE.md
says what each is for; the import-linter contracts in pyproject.toml hold them to it. Nothing is re-exported:
import the module you mean.
"""

"""The first tables: definitions, stacks, resources, events, engines, and those of later nouns.

Revision: 0001, after nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.store.types import COUNTER, LONG_TEXT, SEALED, JsonText, UtcTime

revision = "0001"
down_revision = None

MYSQL = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
ID = sa.String(36)
NAME = sa.String(255)
WORD = sa.String(32)
HASH = sa.String(64)


def upgrade() -> None:
    _templates()
    _stacks()
    _tags_and_locks()
    _resources()
    _events()
    _engines()
    _snapshots()
    _software()
    _watches()
    _credentials()


def downgrade() -> None:
    op.drop_table("user_creds")
    op.drop_table("watch_data")
    op.drop_table("watch_rule")
    op.drop_table("software_deployment")
    op.drop_table("software_config")
    op.drop_table("resource_snapshot")
    op.drop_table("snapshot")
    op.drop_table("request")
    op.drop_table("service")
    op.drop_table("event")
    op.drop_table("resource")
    op.drop_table("stack_lock")
    op.drop_table("stack_tag")
    op.drop_table("stack")
    op.drop_table("definition_file")
    op.drop_table("definition")
    op.drop_table("content")


def _templates() -> None:
    op.create_table(
        "content",
        sa.Column("hash", HASH, nullable=False, comment="SHA-256 of the text, hexadecimal"),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_content"),
        **MYSQL,
    )
    op.create_table(
        "definition",
        sa.Column("id", ID, nullable=False),
        sa.Column("template_hash", HASH, nullable=False),
        sa.Column("environment", SEALED, nullable=False, comment="sealed: holds parameters, and so passwords"),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_definition"),
        sa.ForeignKeyConstraint(["template_hash"], ["content.hash"], name="fk_definition_template_hash"),
        **MYSQL,
    )
    op.create_index("ix_definition_template_hash", "definition", ["template_hash"])
    op.create_table(
        "definition_file",
        sa.Column("definition_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("name", LONG_TEXT, nullable=False, comment="a path or a URL: too long for an index"),
        sa.Column("content_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("definition_id", "position", name="pk_definition_file"),
        sa.ForeignKeyConstraint(["content_hash"], ["content.hash"], name="fk_definition_file_content_hash"),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["definition.id"], name="fk_definition_file_definition_id", ondelete="CASCADE"
        ),
        **MYSQL,
    )
    op.create_index("ix_definition_file_content_hash", "definition_file", ["content_hash"])


def _stacks() -> None:
    op.create_table(
        "stack",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("live_name", NAME, nullable=True, comment="the name while the stack lives, so that it can be unique"),
        sa.Column("project", NAME, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("definition_id", ID, nullable=False),
        sa.Column(
            "complete_definition_id",
            ID,
            nullable=True,
            comment="the last one that reached COMPLETE: where a rollback goes",
        ),
        sa.Column("traversal", ID, nullable=False, comment="the walk that may lead somewhere; empty: none was started"),
        sa.Column("disable_rollback", sa.Boolean(), nullable=False),
        sa.Column("timeout_mins", sa.Integer(), nullable=True),
        sa.Column("tags", JsonText(), nullable=False, comment="in their order; stack_tag is the index over them"),
        sa.Column("description", LONG_TEXT, nullable=False),
        sa.Column("username", NAME, nullable=False),
        sa.Column("user_project_id", NAME, nullable=False),
        sa.Column("owner_id", ID, nullable=True, comment="the stack that this one is nested in"),
        sa.Column(
            "parent_resource", NAME, nullable=False, comment="name of the owner's resource that this stack stands for"
        ),
        sa.Column("root_id", ID, nullable=True, comment="the outermost owner; NULL: it is itself a root"),
        sa.Column("nested_depth", sa.Integer(), nullable=False),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.Column("updated_time", UtcTime(), nullable=True),
        sa.Column("deleted_time", UtcTime(), nullable=True, comment="soft deletion; NULL: it lives"),
        sa.Column("event_count", sa.BigInteger(), nullable=False, comment="the sequence of its last event"),
        sa.PrimaryKeyConstraint("id", name="pk_stack"),
        sa.UniqueConstraint("project", "live_name", name="uq_stack_project_live_name"),
        sa.ForeignKeyConstraint(["complete_definition_id"], ["definition.id"], name="fk_stack_complete_definition_id"),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name="fk_stack_definition_id"),
        **MYSQL,
    )
    _stack_indexes()


def _stack_indexes() -> None:
    op.create_index("ix_stack_complete_definition_id", "stack", ["complete_definition_id"])
    op.create_index("ix_stack_definition_id", "stack", ["definition_id"])
    op.create_index("ix_stack_owner_id", "stack", ["owner_id", "parent_resource"])
    op.create_index("ix_stack_project", "stack", ["project", "created_time", "id"])
    op.create_index("ix_stack_root_id", "stack", ["root_id"])
    live_root = sa.text("owner_id IS NULL AND deleted_time IS NULL")
    op.create_index(
        "ix_stack_roots", "stack", ["project", "created_time", "id"], postgresql_where=live_root, sqlite_where=live_root
    )
    op.create_index("ix_stack_status", "stack", ["status"])


def _tags_and_locks() -> None:
    op.create_table(
        "stack_tag",
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("tag", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("stack_id", "tag", name="pk_stack_tag"),
        sa.ForeignKeyConstraint(["stack_id"], ["stack.id"], name="fk_stack_tag_stack_id", ondelete="CASCADE"),
        **MYSQL,
    )
    op.create_index("ix_stack_tag_tag", "stack_tag", ["tag", "stack_id"])
    op.create_table(
        "stack_lock",
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("engine_id", ID, nullable=True, comment="who walks; NULL: nobody"),
        sa.Column(
            "fence",
            sa.BigInteger(),
            nullable=False,
            comment="goes up with every owner; every write of a walk carries it",
        ),
        sa.PrimaryKeyConstraint("stack_id", name="pk_stack_lock"),
        sa.ForeignKeyConstraint(["stack_id"], ["stack.id"], name="fk_stack_lock_stack_id", ondelete="CASCADE"),
        **MYSQL,
    )
    op.create_index("ix_stack_lock_engine_id", "stack_lock", ["engine_id"])


def _resources() -> None:
    op.create_table(
        "resource",
        sa.Column("id", ID, nullable=False),
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", LONG_TEXT, nullable=False, comment="as the template says; may be a URL"),
        sa.Column(
            "implementation", LONG_TEXT, nullable=False, comment="the registered type, or the template that builds it"
        ),
        sa.Column("action", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.Column("updated_time", UtcTime(), nullable=True),
        sa.Column(
            "physical_id",
            sa.String(767),
            nullable=True,
            comment="the provider's name for it; as long as an index of MariaDB allows",
        ),
        sa.Column("requires", JsonText(), nullable=False, comment="ids of the rows that it was built against"),
        sa.Column("metadata", JsonText(), nullable=False),
        sa.Column("deletion_policy", WORD, nullable=False),
        sa.Column("nested_stack_id", ID, nullable=True),
        sa.Column("definition_id", ID, nullable=True, comment="the definition that it was last converged to"),
        sa.Column(
            "fingerprint",
            sa.String(128),
            nullable=False,
            comment="hash over what else it was built from: a nested template, its files and environment",
        ),
        sa.Column(
            "secret",
            SEALED,
            nullable=False,
            comment="sealed, one value for all: properties, pending, data, attributes, reference",
        ),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="goes up with every write: compare-and-set"),
        sa.PrimaryKeyConstraint("id", name="pk_resource"),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name="fk_resource_definition_id"),
        sa.ForeignKeyConstraint(["stack_id"], ["stack.id"], name="fk_resource_stack_id", ondelete="CASCADE"),
        **MYSQL,
    )
    op.create_index("ix_resource_definition_id", "resource", ["definition_id"])
    op.create_index("ix_resource_physical_id", "resource", ["physical_id"])
    op.create_index("ix_resource_stack_id", "resource", ["stack_id", "name"])


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("position", COUNTER, nullable=False, comment="order over all stacks; watchers resume here"),
        sa.Column("id", ID, nullable=False),
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="gap-free per stack, from 1"),
        sa.Column("root_id", ID, nullable=False, comment="the outermost stack; the stack itself for a root"),
        sa.Column("stack_name", NAME, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("time", UtcTime(), nullable=False),
        sa.Column("resource_name", NAME, nullable=False),
        sa.Column("resource_type", LONG_TEXT, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("physical_id", LONG_TEXT, nullable=True),
        sa.Column("resource_id", ID, nullable=True),
        sa.Column("properties", SEALED, nullable=True, comment="sealed; NULL: it has none"),
        sa.PrimaryKeyConstraint("position", name="pk_event"),
        sa.UniqueConstraint("id", name="uq_event_id"),
        sa.UniqueConstraint("stack_id", "sequence", name="uq_event_stack_id_sequence"),
        sqlite_autoincrement=True,
        **MYSQL,
    )
    op.create_index("ix_event_root_id", "event", ["root_id", "position"])


def _engines() -> None:
    op.create_table(
        "service",
        sa.Column("engine_id", ID, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("hostname", NAME, nullable=False),
        sa.Column("binary", NAME, nullable=False),
        sa.Column("topic", NAME, nullable=False),
        sa.Column("report_interval", sa.Integer(), nullable=False, comment="seconds"),
        sa.Column(
            "listener_address",
            LONG_TEXT,
            nullable=False,
            comment="where its EngineListener answers; empty: it has none",
        ),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.Column("updated_time", UtcTime(), nullable=True, comment="database time of the last report"),
        sa.Column("deleted_time", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("engine_id", name="pk_service"),
        **MYSQL,
    )
    op.create_table(
        "request",
        sa.Column("project", NAME, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("body_hash", HASH, nullable=False, comment="the same id with another body is a mistake, not a retry"),
        sa.Column("answer", JsonText(), nullable=True),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("project", "request_id", name="pk_request"),
        **MYSQL,
    )
    op.create_index("ix_request_created_time", "request", ["created_time"])


def _snapshots() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", ID, nullable=False),
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=True),
        sa.Column("project", NAME, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("data", SEALED, nullable=True, comment="sealed: the payload of rpc.md §2.8; NULL: not taken yet"),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
        sa.ForeignKeyConstraint(["stack_id"], ["stack.id"], name="fk_snapshot_stack_id"),
        **MYSQL,
    )
    op.create_index("ix_snapshot_project", "snapshot", ["project"])
    op.create_index("ix_snapshot_stack_id", "snapshot", ["stack_id"])
    op.create_table(
        "resource_snapshot",
        sa.Column("snapshot_id", ID, nullable=False),
        sa.Column("resource_name", NAME, nullable=False),
        sa.Column("data", SEALED, nullable=False, comment="sealed"),
        sa.PrimaryKeyConstraint("snapshot_id", "resource_name", name="pk_resource_snapshot"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name="fk_resource_snapshot_snapshot_id", ondelete="CASCADE"
        ),
        **MYSQL,
    )


def _software() -> None:
    op.create_table(
        "software_config",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("group", NAME, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column(
            "config", SEALED, nullable=False, comment="sealed: config, inputs, outputs, options; inputs hold passwords"
        ),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_software_config"),
        **MYSQL,
    )
    op.create_index("ix_software_config_project", "software_config", ["project"])
    op.create_table(
        "software_deployment",
        sa.Column("id", ID, nullable=False),
        sa.Column("config_id", ID, nullable=False, comment="a configuration that is deployed cannot be deleted"),
        sa.Column("server_id", NAME, nullable=False, comment="physical id of the server"),
        sa.Column("project", NAME, nullable=False),
        sa.Column("user_project_id", NAME, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("values", SEALED, nullable=False, comment="sealed: input_values, output_values"),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.Column("updated_time", UtcTime(), nullable=True, comment="NULL: never updated"),
        sa.PrimaryKeyConstraint("id", name="pk_software_deployment"),
        sa.ForeignKeyConstraint(["config_id"], ["software_config.id"], name="fk_software_deployment_config_id"),
        **MYSQL,
    )
    op.create_index("ix_software_deployment_config_id", "software_deployment", ["config_id"])
    op.create_index("ix_software_deployment_created_time", "software_deployment", ["created_time"])
    op.create_index("ix_software_deployment_project", "software_deployment", ["project"])
    op.create_index("ix_software_deployment_server_id", "software_deployment", ["server_id"])


def _watches() -> None:
    op.create_table(
        "watch_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("stack_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("rule", JsonText(), nullable=False, comment="statistic, threshold, period, actions, ..."),
        sa.Column("state", WORD, nullable=False, comment="NORMAL, ALARM, NODATA, SUSPENDED or CEILOMETER_CONTROLLED"),
        sa.Column("evaluated_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch_rule"),
        sa.ForeignKeyConstraint(["stack_id"], ["stack.id"], name="fk_watch_rule_stack_id", ondelete="CASCADE"),
        **MYSQL,
    )
    op.create_index("ix_watch_rule_name", "watch_rule", ["name"])
    op.create_index("ix_watch_rule_stack_id", "watch_rule", ["stack_id"])
    op.create_table(
        "watch_data",
        sa.Column("position", COUNTER, nullable=False),
        sa.Column("watch_rule_id", ID, nullable=False),
        sa.Column("data", JsonText(), nullable=False),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_watch_data"),
        sa.ForeignKeyConstraint(
            ["watch_rule_id"], ["watch_rule.id"], name="fk_watch_data_watch_rule_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
        **MYSQL,
    )
    op.create_index("ix_watch_data_watch_rule_id", "watch_data", ["watch_rule_id", "created_time"])


def _credentials() -> None:
    op.create_table(
        "user_creds",
        sa.Column("id", ID, nullable=False),
        sa.Column("root_id", ID, nullable=False),
        sa.Column("username", NAME, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("project_name", LONG_TEXT, nullable=False),
        sa.Column("region_name", NAME, nullable=False),
        sa.Column("auth_url", LONG_TEXT, nullable=False),
        sa.Column("trustor_user_id", NAME, nullable=False),
        sa.Column("secret", SEALED, nullable=False, comment="sealed: password, trust_id"),
        sa.Column("created_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_creds"),
        sa.UniqueConstraint("root_id", name="uq_user_creds_root_id"),
        sa.ForeignKeyConstraint(["root_id"], ["stack.id"], name="fk_user_creds_root_id", ondelete="CASCADE"),
        **MYSQL,
    )

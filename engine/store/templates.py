"""Definitions: what users declared, with bodies and files stored once by content hash.

Called by usecases (a create or update saves one, reads load it) and by the clean-up (`sweep`). A definition is
immutable, so a caller may keep what it loaded for as long as it likes. Environments are sealed: they hold parameters,
and so passwords.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, insert, select

from engine.model.ids import ContentHash, DefinitionId
from engine.model.records import Definition, Json
from engine.store.backends import insert_or_skip
from engine.store.database import Tx
from engine.store.tables.declarative import table_of
from engine.store.tables.resources import ResourceRow
from engine.store.tables.stacks import StackRow
from engine.store.tables.templates import ContentRow, DefinitionFileRow, DefinitionRow

CONTENT: Final = table_of(ContentRow)
DEFINITION: Final = table_of(DefinitionRow)
FILE: Final = table_of(DefinitionFileRow)
STACK: Final = table_of(StackRow)
RESOURCE: Final = table_of(ResourceRow)

_ADD: Final = insert(DEFINITION)
_ADD_FILE: Final = insert(FILE)
_COLUMNS: Final = (
    *(DEFINITION.c.id, CONTENT.c.text, DEFINITION.c.environment),
    *(DEFINITION.c.facade, DEFINITION.c.restored),
)
_ENVIRONMENT: Final = select(DEFINITION.c.environment).where(DEFINITION.c.id == bindparam("of"))
_ALL: Final = select(*_COLUMNS).join_from(DEFINITION, CONTENT, CONTENT.c.hash == DEFINITION.c.template_hash)
_ALL_FILES: Final = (
    select(FILE.c.definition_id, FILE.c.name, CONTENT.c.text)
    .join_from(FILE, CONTENT, CONTENT.c.hash == FILE.c.content_hash)
    .order_by(FILE.c.position)
)
_LOAD: Final = _ALL.where(DEFINITION.c.id == bindparam("of"))
_LOAD_FILES: Final = _ALL_FILES.where(FILE.c.definition_id == bindparam("of"))
_LOAD_SOME: Final = _ALL.where(DEFINITION.c.id.in_(bindparam("among", expanding=True)))
_LOAD_SOME_FILES: Final = _ALL_FILES.where(FILE.c.definition_id.in_(bindparam("among", expanding=True)))
_SWEEP: Final = delete(DEFINITION).where(
    ~exists().where(STACK.c.definition_id == DEFINITION.c.id),
    ~exists().where(STACK.c.complete_definition_id == DEFINITION.c.id),
    ~exists().where(RESOURCE.c.definition_id == DEFINITION.c.id),
)
_SWEEP_CONTENT: Final = delete(CONTENT).where(
    ~exists().where(DEFINITION.c.template_hash == CONTENT.c.hash),
    ~exists().where(FILE.c.content_hash == CONTENT.c.hash),
)


def content_hash(text: str) -> ContentHash:
    """Return the name under which a text is stored."""
    return ContentHash(sha256(text.encode()).hexdigest())


def save(tx: Tx, definition: Definition) -> None:
    """Store a definition; texts that are known already are not stored again."""
    files = [(name, content_hash(text)) for name, text in definition.files.items()]
    body = content_hash(definition.template)
    _save_texts(tx, (definition.template, *definition.files.values()))
    place = _place(definition.id)
    row = {
        "id": definition.id,
        "template_hash": body,
        "environment": tx.keys.seal(definition.environment, place),
        "facade": None if definition.facade is None else tx.keys.seal(definition.facade, place),
        "restored": tx.keys.seal(definition.restored, place) if definition.restored else None,
        "created_time": tx.now(),
    }
    tx.connection.execute(_ADD, row)
    if files:
        rows = [
            {"definition_id": definition.id, "position": position, "name": name, "content_hash": hash_}
            for position, (name, hash_) in enumerate(files)
        ]
        tx.connection.execute(_ADD_FILE, rows)


def load(tx: Tx, definition_id: DefinitionId) -> Definition:
    """Return a definition; raise KeyError where there is none (whatever refers to one keeps it)."""
    row = tx.connection.execute(_LOAD, {"of": definition_id}).one_or_none()
    if row is None:
        raise KeyError(definition_id)
    files = {name: text for _, name, text in tx.connection.execute(_LOAD_FILES, {"of": definition_id})}
    return _definition(tx, row, files)


def load_some(tx: Tx, ids: Collection[DefinitionId]) -> dict[DefinitionId, Definition]:
    """Return the definitions of these ids, in two statements however many they are; an unknown id has none."""
    if not ids:
        return {}
    files: dict[str, dict[str, str]] = defaultdict(dict)
    among = {"among": sorted(ids)}
    for definition_id, name, text in tx.connection.execute(_LOAD_SOME_FILES, among):
        files[definition_id][name] = text
    rows = tx.connection.execute(_LOAD_SOME, among).all()
    return {row[0]: _definition(tx, row, files.get(row[0], {})) for row in rows}


def environment(tx: Tx, definition_id: DefinitionId) -> Mapping[str, Json]:
    """Return the environment of a definition alone, without its texts; raise KeyError where there is none."""
    sealed = tx.connection.execute(_ENVIRONMENT, {"of": definition_id}).scalar_one_or_none()
    if sealed is None:
        raise KeyError(definition_id)
    found: Mapping[str, Json] = tx.keys.unseal(sealed, _place(definition_id))
    return found


def sweep(tx: Tx) -> int:
    """Delete the definitions and texts that nothing refers to; return how many definitions went.

    On a server, one that another transaction begins to use meanwhile is protected by its foreign key: then whichever of
    the two comes last fails, and is done again.
    """
    swept = tx.connection.execute(_SWEEP).rowcount
    tx.connection.execute(_SWEEP_CONTENT)
    return swept


def _save_texts(tx: Tx, texts: Iterable[str]) -> None:
    by_hash = {content_hash(text): text for text in texts}
    # Sorted: two that save the same texts at the same time must not wait for each other in a circle.
    rows = [{"hash": hash_, "text": by_hash[hash_]} for hash_ in sorted(by_hash)]
    tx.connection.execute(insert_or_skip(CONTENT, tx.dialect), rows)


def _definition(tx: Tx, row: Sequence[Any], files: Mapping[str, str]) -> Definition:
    """Return the definition of a row of _COLUMNS."""
    definition_id, text, sealed, told, kept = row
    place = _place(definition_id)
    facade = None if told is None else tx.keys.unseal(told, place)
    restored = {} if kept is None else tx.keys.unseal(kept, place)
    return Definition(definition_id, text, files, tx.keys.unseal(sealed, place), facade, restored)


def _place(definition_id: DefinitionId) -> str:
    return f"definition {definition_id}"

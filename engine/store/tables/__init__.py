"""The tables, as typed declarations, one module per noun.

Columns, keys and indexes, and nothing that computes. Whatever changes here needs a migration in alembic/versions; a
test compares the two. Called by the other modules of store and by the migrations.
"""

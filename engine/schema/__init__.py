"""What a property, an attribute or a parameter may be: types, constraints, support status, translation.

Pure: a schema says whether a value fits and what it becomes, and reports every problem at once. It knows
nothing of templates, stacks or clouds; a constraint that has to ask a cloud is named here and asked
elsewhere. Called by template (parameters), plan (which property changes) and plugin (what resource types
declare).
"""

"""Which visits a walk makes, and what each one does: the one algorithm, as arithmetic.

Here live the visit graph (`build`), the verdict on arrival (`decide`), the next record (`advance`) and what they say
about a change before it is made (`preview`, `render`). The runtime and the previews call the same functions. Nothing
here does I/O, knows a clock or draws an id: those come in as values.
"""

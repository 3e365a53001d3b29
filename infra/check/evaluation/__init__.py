"""What a template deploys with given parameters, without a Bicep compiler and without Azure.

    syntax.py        expressions, read into the parts of tree.py
    expressions.py   their values                          functions.py      the functions of Bicep
    deployment.py    resources and outputs of a template   surroundings.py   cloud, subscription and tenant
    parameters.py    parameters, as azd takes them         limits.py         what a parameter takes
    values.py        what is unknown here, and what is wrong

Two things differ from Azure. ``uniqueString`` and ``guid`` give other texts of the same form: the same arguments give
the same text. And what only Azure knows, such as the id of a new identity, is a text that names its source:
``<func-x.properties.defaultHostName>``.
"""

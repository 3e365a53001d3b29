"""What a template deploys with given parameters, without a Bicep compiler and without Azure.

    syntax.py         expressions as small trees       expressions.py   their values
    functions.py      the functions of Bicep           values.py        what is unknown here, and what is wrong
    surroundings.py   cloud, subscription and tenant   parameters.py    parameters, as azd takes them
    deployment.py     the resources and outputs of a template and its modules
    limits.py         what a parameter takes

Two things differ from Azure. ``uniqueString`` and ``guid`` give other texts of the same form: the same arguments give
the same text. And what only Azure knows, such as the id of a new identity, is a text that names its source:
``<func-x.properties.defaultHostName>``.
"""

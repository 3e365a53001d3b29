"""Checks ``infra/`` and what belongs to it without Azure, without a Bicep compiler and without network.

It holds the templates against published type data and the project's own rules, and the app's source against the
templates. It is no compilation: functions and expressions are not type-checked, and no quota, region or policy is
known. Run it with ``python -m infra.check``.
"""

"""Checks ``infra/`` and the files that belong to it, without Azure, a Bicep compiler or a network.

    check.py     all checks, in order       findings.py   a finding: file, line, message
    project.py   the files, read once       bicep.py      a parsed template
    language/    what a Bicep compiler would report: names, types and properties, what must be known at the start
    evaluation/  what the templates deploy with given parameters: resources, their values, outputs
    rules/       what this project demands: roles, security, settings, events, hooks, names, the deployed package

``rules`` may use ``language`` and ``evaluation``, never the other way round. This is not a compilation: functions and
expressions are not type-checked, and quotas, regions and policies are unknown. Run it with ``python -m infra.check``.
"""

"""The web console: the same operations as REST, as pages for people.

Everything is rendered here and works without a script; htmx only keeps what is shown fresh. A page
translates between a form and the service and decides nothing, so a right that REST refuses is
refused here, with the same trace in the audit trail.
"""

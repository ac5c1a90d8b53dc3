"""`remedyd contexts`: which daemons are named in the contexts file."""

from remedyd.cli import contexts as file
from remedyd.cli import tables
from remedyd.cli.proposals import Output


def contexts(output: Output = "table") -> None:
    """List the contexts; the star marks the one in use when none is named."""
    current, found = file.names()
    shown = [{"name": name, "url": url, "current": name == current} for name, url in found.items()]
    if tables.printed(shown, output):
        return
    table = tables.table("", "NAME", "URL")
    for each in shown:
        table.add_row("*" if each["current"] else "", str(each["name"]), str(each["url"]))
    tables.console().print(table)

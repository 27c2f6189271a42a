"""The verb that writes the bill of materials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sbom_app"]

sbom_app = typer.Typer()


@sbom_app.command("sbom")
def sbom(
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("sbom.json"),
    core: Annotated[bool, typer.Option("--core", help="Only what the core needs, no extras.")] = False,
) -> None:
    """Write the installed packages with versions and licences (CycloneDX JSON); name those under copyleft.

    Example: `survey-toolkit sbom --out sbom.json`
    """
    from survey_toolkit import __version__
    from survey_toolkit._atomic import write_atomic
    from survey_toolkit._sbom import bill, components, copyleft

    items = [c for c in components() if c.required or not core]
    write_atomic(out, (json.dumps(bill(items, __version__), indent=2) + "\n").encode())
    needed = [c for c in items if c.required]
    typer.echo(f"written: {out} ({len(items)} packages, {len(needed)} of them needed by the core)")
    for label, chosen in (("core", needed), ("not core", [c for c in items if not c.required])):
        found = copyleft(chosen)
        typer.echo(
            f"{label}: copyleft {', '.join(found['strong']) or 'none'}; "
            f"copyleft by file (MPL) {', '.join(found['file']) or 'none'}"
        )

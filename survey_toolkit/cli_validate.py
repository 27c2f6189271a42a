"""The verb that proves the installation on the user's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_toolkit._atomic import write_atomic
from survey_toolkit.cli_manners import print_json
from survey_toolkit.cli_progress import progress

__all__ = ["validate_app"]

validate_app = typer.Typer()


@validate_app.command()
def validate(
    out: Annotated[Path, typer.Option("--out", help="Folder for the certificate.")] = Path("out"),
    full: Annotated[bool, typer.Option("--full", help="Long coverage tables (minutes).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """Prove on this machine that the numbers are right, and write a certificate (HTML).

    Example: `survey-toolkit validate --out out`
    """
    from survey_toolkit.validation import certificate_html
    from survey_toolkit.validation import validate as run

    with progress("validate", quiet=as_json) as tell:
        certificate = run(full=full, progress=tell)
    out.mkdir(parents=True, exist_ok=True)
    page = write_atomic(out / "validation.html", certificate_html(certificate).encode())
    if as_json:
        print_json({**certificate.to_dict(), "out": str(page)})
    else:
        for check in certificate.checks:
            mark = "ok    " if check.passed else "FAILED"
            far = (
                ""
                if check.passed
                else f" ({check.worst:.3g} found, {check.allowed:.3g} allowed, {check.unit})"
            )
            typer.echo(f"{mark} {check.section}: {check.name}{far}")
        passed = sum(check.passed for check in certificate.checks)
        typer.echo(f"\n{passed} of {len(certificate.checks)} checks passed. Certificate: {page}")
    if not certificate.passed:
        raise typer.Exit(1)

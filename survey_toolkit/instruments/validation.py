"""Does a form load on tablets? pyxform reads it; ODK Validate, where Java is, runs its expressions."""

from __future__ import annotations

import io
import shutil

__all__ = ["validate_xlsform"]


def validate_xlsform(workbook: bytes, *, odk: bool | None = None) -> list[str]:
    """Errors and warnings of pyxform and ODK Validate; an empty list means the form loads.

    Parameters
    ----------
    workbook : bytes
        An XLSForm (.xlsx).
    odk : bool, optional
        Run ODK Validate too, which needs Java; default: where ``java`` is found.

    Returns
    -------
    list of str
    """
    from pyxform.errors import PyXFormError
    from pyxform.validators.odk_validate import ODKValidateError
    from pyxform.xls2xform import convert

    warnings: list[str] = []
    run = shutil.which("java") is not None if odk is None else odk
    try:
        result = convert(io.BytesIO(workbook), warnings=warnings, validate=run, file_type=".xlsx")
    except (PyXFormError, ODKValidateError) as exc:
        return [*warnings, str(exc)]
    return list(dict.fromkeys([*warnings, *result.warnings]))

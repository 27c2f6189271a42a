"""Retype the codes the standards use out of the SDMX structure IAEG-SDGs:SDG(1.4) of 2021-06-24.

    python tests/oracles/sdg_codes_1_4.py SDG_DSD_1.4.xml > tests/golden/sdg_codes_1_4.json

The structure is published by the IAEG-SDGs (registry.sdmx.org); only code identifiers are kept.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree

STRUCTURE = "{http://www.sdmx.org/resources/sdmxml/schemas/v2_1/structure}"
WANTED = ("CL_SERIES", "CL_AREA", "CL_SEX", "CL_AGE", "CL_URBANISATION", "CL_UNIT_MEASURE", "CL_OBS_STATUS")
PREFIXES = ("VC_HTF", "SL_TLF_CHLD", "SP_DYN_MRB")

lists = {}
for codelist in ElementTree.parse(sys.argv[1]).iter(f"{STRUCTURE}Codelist"):
    if codelist.get("id") not in WANTED:
        continue
    name = f"{codelist.get('agencyID')}:{codelist.get('id')}({codelist.get('version')})"
    codes = [code.get("id", "") for code in codelist.iter(f"{STRUCTURE}Code")]
    if codelist.get("id") == "CL_SERIES":
        codes = [code for code in codes if code.startswith(PREFIXES)]
    if codelist.get("id") == "CL_AREA":
        codes = [code for code in codes if code.isdigit()]
    lists[name] = sorted(codes)
source = "IAEG-SDGs:SDG(1.4), 2021-06-24; series limited to " + ", ".join(PREFIXES)
print(json.dumps({"source": source, "made": "2026-11-23", "codelists": lists}, indent=1))  # noqa: T201

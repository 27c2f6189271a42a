"""Keyed hashes of identifying fields: lists are linked without a clear name leaving its owner.

Every field becomes an HMAC-SHA256 under a key that the list owners share and the linker does not see. Equal
normal forms give equal hashes; similar names are found by Bloom filters of letter pairs (Schnell, Bachteler &
Reiher 2009, BMC Medical Informatics 9:41): each pair sets a few of 512 positions, and Dice's coefficient of
two filters estimates the letter pairs in common. Bloom filters of frequent names can be guessed by whoever
knows the name frequencies: treat the encoded file as confidential, and never publish it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from survey_toolkit.errors import DisclosureError

__all__ = ["MIN_KEY_BYTES", "bit_string", "bloom_filter", "dice", "keyed_hash"]

MIN_KEY_BYTES = 16
BLOOM_BITS = 512
BLOOM_HASHES = 8


def check_key(key: bytes) -> bytes:
    """A key of at least 16 bytes."""
    if not isinstance(key, bytes) or len(key) < MIN_KEY_BYTES:
        raise DisclosureError(
            "the key for hashing names is too short",
            where="key",
            found=f"{len(key)} bytes" if isinstance(key, bytes) else type(key).__name__,
            expected=f"{MIN_KEY_BYTES} random bytes or more, such as secrets.token_bytes(32)",
            hint="share it between the list owners only; without it names cannot be guessed by trying",
        )
    return key


def keyed_hash(value: str | None, key: bytes, *, field: str) -> str | None:
    """Hexadecimal HMAC of a normal form; the field name separates equal values of different fields.

    Examples
    --------
    >>> a = keyed_hash("ama", b"0123456789abcdef", field="first_name")
    >>> a == keyed_hash("ama", b"0123456789abcdef", field="surname"), len(a)
    (False, 32)
    """
    if value is None:
        return None
    check_key(key)
    return hmac.new(key, f"{field}\x1f{value}".encode(), hashlib.sha256).hexdigest()[:32]


def bloom_filter(value: str | None, key: bytes) -> list[int] | None:
    """Positions set by the letter pairs of a name, sorted.

    Examples
    --------
    >>> key = b"0123456789abcdef"
    >>> dice(bloom_filter("nguyen", key), bloom_filter("nguyn", key)) > 0.6
    True
    """
    if value is None:
        return None
    check_key(key)
    padded = f"_{value}_"
    out: set[int] = set()
    for pair in {padded[i : i + 2] for i in range(len(padded) - 1)}:
        digest = hmac.new(key, f"bloom\x1f{pair}".encode(), hashlib.sha256).digest()
        out |= {int.from_bytes(digest[2 * k : 2 * k + 2], "big") % BLOOM_BITS for k in range(BLOOM_HASHES)}
    return sorted(out)


def bit_string(positions: Iterable[int] | None) -> str | None:
    """A filter as 512 digits 0 and 1.

    Examples
    --------
    >>> bit_string([0, 2])[:4]
    '1010'
    """
    if positions is None:
        return None
    on = set(positions)
    return "".join("1" if i in on else "0" for i in range(BLOOM_BITS))


def dice(a: Iterable[int] | None, b: Iterable[int] | None) -> float:
    """Dice's coefficient: twice the common positions over all positions."""
    x, y = set(a or ()), set(b or ())
    return 2 * len(x & y) / (len(x) + len(y)) if x or y else 0.0

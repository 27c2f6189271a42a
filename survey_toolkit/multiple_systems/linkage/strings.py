"""String distances, as published: Jaro (1989), Winkler (1990), Levenshtein (1966), Damerau (1964)."""

from __future__ import annotations

__all__ = ["damerau", "jaro", "jaro_winkler", "levenshtein"]


def jaro(a: str, b: str) -> float:
    """Jaro similarity: the mean of the matched shares and the share of matches in order.

    Examples
    --------
    >>> round(jaro("martha", "marhta"), 4)
    0.9444
    """
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    window = max(0, max(len(a), len(b)) // 2 - 1)
    used = [False] * len(b)
    left = []
    for i, letter in enumerate(a):
        for j in range(max(0, i - window), min(len(b), i + window + 1)):
            if not used[j] and b[j] == letter:
                used[j] = True
                left.append(letter)
                break
    m = len(left)
    if not m:
        return 0.0
    right = [letter for letter, hit in zip(b, used, strict=True) if hit]
    moved = sum(x != y for x, y in zip(left, right, strict=True)) / 2
    return (m / len(a) + m / len(b) + (m - moved) / m) / 3


def jaro_winkler(a: str, b: str, *, prefix: int = 4, scale: float = 0.1) -> float:
    """Jaro similarity raised for a common beginning of up to ``prefix`` letters (Winkler 1990).

    Parameters
    ----------
    a, b : str
        Names as :func:`fold_name` leaves them.
    prefix : int
        Letters at the beginning that count.
    scale : float
        Share of the remaining distance that each of them takes away, at most 1 / prefix.

    Returns
    -------
    float
        0 (nothing in common) to 1 (the same).

    Examples
    --------
    >>> round(jaro_winkler("martha", "marhta"), 4)
    0.9611
    """
    base = jaro(a, b)
    same = 0
    for x, y in zip(a[:prefix], b[:prefix], strict=False):
        if x != y:
            break
        same += 1
    return base + same * scale * (1 - base)


def levenshtein(a: str, b: str) -> int:
    """Fewest insertions, deletions and replacements.

    Examples
    --------
    >>> levenshtein("martha", "marhta")
    2
    """
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
        previous = row
    return previous[-1]


def damerau(a: str, b: str) -> int:
    """Fewest insertions, deletions, replacements and swaps of neighbours.

    Examples
    --------
    >>> damerau("martha", "marhta")
    1
    """
    last: dict[str, int] = {}
    far = len(a) + len(b)
    table = {(-1, -1): far}
    for i in range(len(a) + 1):
        table[i, -1], table[i, 0] = far, i
    for j in range(len(b) + 1):
        table[-1, j], table[0, j] = far, j
    for i, x in enumerate(a, 1):
        column = 0
        for j, y in enumerate(b, 1):
            row, back = last.get(y, 0), column
            if x == y:
                column = j
            table[i, j] = min(
                table[i - 1, j - 1] + (x != y),
                table[i, j - 1] + 1,
                table[i - 1, j] + 1,
                table[row - 1, back - 1] + (i - row - 1) + 1 + (j - back - 1),
            )
        last[x] = i
    return table[len(a), len(b)]

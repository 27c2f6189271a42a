"""A run's figures together: find them, filter them, store them, read them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from survey_toolkit._input import input_file
from survey_toolkit.errors import DataFileError, SurveyToolkitError, did_you_mean
from survey_toolkit.indicators.figure import NUMBERS, TOTAL, Figure

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Figures", "read_figures"]

FORMAT = "survey_toolkit.figures/1"
_MAX_JSON_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Figures(Sequence[Figure]):
    """An ordered, immutable collection of figures with unique ids.

    Raises
    ------
    SurveyToolkitError
        If two figures have the same id.

    Examples
    --------
    >>> one = Figure(id="8.7.1/KHM/2024/F/_T", indicator="8.7.1", series="SL_TLF_CHLDEA", label="…",
    ...              variable="child_labour_a", country="KHM", period="2024",
    ...              breakdown={"sex": "F", "age_band": "_T"}, statistic="proportion", unit="PT", value=0.1)
    >>> figures = Figures((one,))
    >>> figures.match("8.7.1/KHM/2024/F")[0].id
    '8.7.1/KHM/2024/F/_T'
    >>> len(figures.filter(sex="M")), figures.get("8.7.1/KHM/2024/F/_T").text
    (0, '10.0 %')
    """

    items: tuple[Figure, ...] = ()

    def __init__(self, items: Iterable[Figure] = ()) -> None:
        found = tuple(items)
        seen: set[str] = set()
        for figure in found:
            if figure.id in seen:
                raise SurveyToolkitError(
                    "two figures have the same id",
                    found=figure.id,
                    hint="list each indicator, series and breakdown once",
                    code="duplicate-figure",
                )
            seen.add(figure.id)
        object.__setattr__(self, "items", found)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Figure: ...
    @overload
    def __getitem__(self, index: slice) -> Figures: ...
    def __getitem__(self, index: int | slice) -> Figure | Figures:
        return Figures(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[Figure]:
        return iter(self.items)

    def __add__(self, other: Iterable[Figure]) -> Figures:
        return Figures((*self.items, *other))

    def __repr__(self) -> str:
        hidden = sum(f.disclosure == "suppressed" for f in self.items)
        return f"Figures({len(self)} figures, {', '.join(self.indicators) or 'none'}; {hidden} suppressed)"

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())  # type: ignore[operator]

    @property
    def indicators(self) -> tuple[str, ...]:
        """Indicator ids in order of appearance."""
        return tuple(dict.fromkeys(f.indicator for f in self.items))

    def map(self, change: Callable[[Figure], Figure]) -> Figures:
        """Every figure changed by a function."""
        return Figures(change(figure) for figure in self.items)

    def filter(
        self, *, indicator: str | None = None, series: str | None = None, **breakdown: str | None
    ) -> Figures:
        """Figures of this indicator, series and these breakdown codes; ``None`` means any.

        A dimension that a figure does not have counts as ``_T``.
        """

        def fits(figure: Figure) -> bool:
            return (
                indicator in (None, figure.indicator)
                and series in (None, figure.series)
                and all(v is None or figure.breakdown.get(k, TOTAL) == v for k, v in breakdown.items())
            )

        return Figures(figure for figure in self.items if fits(figure))

    def get(self, id: str) -> Figure:
        """Return the figure with exactly this id.

        Raises
        ------
        SurveyToolkitError
            If there is none; names the nearest ids.
        """
        for figure in self.items:
            if figure.id == id:
                return figure
        raise self._unknown(id)

    def match(self, id: str) -> Figures:
        """Figures an id typed by a person may mean.

        The exact id if there is one; else without the series all series of that cell; trailing ``_T`` parts
        may be left out; an indicator alone means all its figures.

        Raises
        ------
        SurveyToolkitError
            If nothing fits; names the nearest ids.
        """
        exact = tuple(f for f in self.items if f.id == id)
        if exact:
            return Figures(exact)
        wanted = _short(id)
        found = [
            f for f in self.items if wanted in (_short(f.id), _short(_without_series(f.id)), f.indicator)
        ]
        if not found:
            raise self._unknown(id)
        return Figures(found)

    def _unknown(self, id: str) -> SurveyToolkitError:
        return SurveyToolkitError(
            "there is no such figure",
            found=f"'{id}'",
            expected=did_you_mean(id, [f.id for f in self.items]),
            hint="the ids stand in the first column of figures.csv",
            code="unknown-figure",
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a figure, one column a breakdown dimension; stored values, not presented ones."""
        import pandas as pd

        dimensions = list(dict.fromkeys(d for f in self.items for d in f.breakdown))
        plain = [
            item.name for item in fields(Figure) if item.name not in ("breakdown", "labels", "sdmx", "trace")
        ]
        rows = []
        for figure in self.items:
            row = {name: getattr(figure, name) for name in plain}
            row["reasons"] = "; ".join(figure.reasons)
            row |= {d: figure.breakdown.get(d, TOTAL) for d in dimensions}
            rows.append(row)
        at = plain.index("period") + 1
        frame = pd.DataFrame(rows, columns=[*plain[:at], *dimensions, *plain[at:]])
        counts = {"n", "n_psu", "n_positive", "n_undetermined"}
        types = {n: "Int64" if n in counts else "Float64" for n in NUMBERS}
        return frame.astype(types)

    def to_json(self) -> str:
        """Text of ``figures.json``; trace steps that figures share are stored once."""
        steps: dict[str, int] = {}
        rows = []
        for figure in self.items:
            row = figure.to_dict()
            texts = [json.dumps(step, ensure_ascii=False, sort_keys=True) for step in row["trace"]["steps"]]
            row["trace"]["steps"] = [steps.setdefault(text, len(steps)) for text in texts]
            rows.append(row)
        data = {"format": FORMAT, "steps": [json.loads(text) for text in steps], "figures": rows}
        return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, name: str = "figures.json") -> Figures:
        """Inverse of :meth:`to_json`.

        Raises
        ------
        DataFileError
            If the text is not a figures file of this format.
        """
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise KeyError("format")  # noqa: TRY301
            steps = data["steps"]
            return cls(Figure.from_dict(_with_steps(row, steps)) for row in data["figures"])
        except (json.JSONDecodeError, KeyError, TypeError, IndexError, AttributeError):
            raise DataFileError(
                "this is not a figures file",
                where=name,
                expected=f"JSON with format '{FORMAT}'",
                hint="use the figures.json of an output folder, or run the study again",
                code="figures-format",
            ) from None


def read_figures(path: str | Path) -> Figures:
    """Read a ``figures.json``, or the one in an output folder.

    Raises
    ------
    DataFileError
        If there is no such file, or it is not a figures file.
    """
    file = Path(path)
    file = file / "figures.json" if file.is_dir() else file
    input_file(file, "a figures file", max_bytes=_MAX_JSON_BYTES, hint="run the study first")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataFileError(
            "the file is not UTF-8 text", where=str(file), hint="run the study again", code="encoding"
        ) from None
    return Figures.from_json(text, name=str(file))


def _with_steps(row: Mapping[str, Any], steps: Sequence[Any]) -> dict[str, Any]:
    trace = dict(row["trace"])
    trace["steps"] = [steps[i] for i in trace["steps"]]
    return {**row, "trace": trace}


def _short(id: str) -> str:
    while id.endswith(f"/{TOTAL}"):
        id = id.removesuffix(f"/{TOTAL}")
    return id


def _without_series(id: str) -> str:
    head, slash, rest = id.partition("/")
    return head.split(":")[0] + slash + rest

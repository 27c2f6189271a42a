"""A model formula: checked before anything in it is evaluated, then turned into matrices by patsy.

``y ~ C(sex) + age * region`` in the notation of R and statsmodels. patsy evaluates the terms of a formula
as Python; a formula may come from a study file, so only names of columns, numbers, text, comparisons,
arithmetic and the functions of :data:`FUNCTIONS` are let through.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.codes import Floats

__all__ = ["FUNCTIONS", "Formula", "Matrices", "design_matrices", "parse_formula", "rebuild"]

#: Functions that a formula may call. C and factor make a category of a column; the next are patsy's.
FUNCTIONS: Final = (
    *("C", "factor", "I", "Q", "Treatment", "Sum", "Diff", "Helmert", "Poly", "bs", "cr", "cc"),
    *("center", "scale", "standardize", "log", "log2", "log10", "log1p", "exp", "sqrt", "abs"),
)
_NUMPY_TYPE: Final = re.compile(r"np\.\w+\('?([^()']*)'?\)")  # numpy's way to show a scalar
_NUMERIC: Final = ("log", "log2", "log10", "log1p", "exp", "sqrt", "abs")
_NODES: Final = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp),
    *(ast.Compare, ast.List, ast.Tuple, ast.operator, ast.unaryop, ast.cmpop),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula that was checked.

    Attributes
    ----------
    text : str
    outcome : str
        The left side.
    columns : tuple of str
        Columns it reads, in order of appearance, the outcome's first.
    categories : frozenset of str
        Columns named alone inside ``C()`` or ``factor()``.
    """

    text: str
    outcome: str
    columns: tuple[str, ...]
    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """Outcome and model matrix over P patterns.

    Attributes
    ----------
    y : float array (P,)
    x : float array (P, K)
    names : tuple of str
        Names of the K coefficients.
    terms : dict of str to slice
        Columns of each term.
    info : object
        patsy's design information, from which :func:`rebuild` makes the matrix of other values.
    data : dict of str to array (P,)
        The values the matrices were made from.
    """

    y: Floats
    x: Floats
    names: tuple[str, ...]
    terms: dict[str, slice]
    info: Any
    data: dict[str, Any]


def parse_formula(text: str) -> Formula:
    """Check a formula and list the columns it reads.

    Parameters
    ----------
    text : str
        ``outcome ~ terms``.

    Returns
    -------
    Formula

    Raises
    ------
    EstimationError
        If it cannot be read, has not one outcome, or holds more than columns and known functions.

    Examples
    --------
    >>> parse_formula("y ~ C(sex) + log(age):region").columns
    ('y', 'sex', 'age', 'region')
    """
    import patsy

    if not isinstance(text, str) or text.count("~") != 1 or not text.split("~", maxsplit=1)[0].strip():
        raise EstimationError(
            "the formula needs one outcome",
            where="formula",
            found=repr(text),
            expected="'outcome ~ covariates', such as 'fl ~ C(sex) + age'",
        )
    try:
        described = patsy.ModelDesc.from_formula(text)
    except (patsy.PatsyError, SyntaxError) as exc:
        raise EstimationError(
            "the formula cannot be read",
            where="formula",
            found=repr(text),
            hint=str(exc).splitlines()[0][:120],
        ) from None
    left = [factor.code for term in described.lhs_termlist for factor in term.factors]
    if len(described.lhs_termlist) != 1 or len(left) != 1:
        raise EstimationError(
            "the formula needs one outcome",
            where="formula",
            found=text.split("~", maxsplit=1)[0].strip(),
            hint="write a combination of columns inside I(...)",
        )
    right = [factor.code for term in described.rhs_termlist for factor in term.factors]
    columns: dict[str, None] = {}
    categories: set[str] = set()
    for code in [*left, *right]:
        tree = _checked(code, text)
        columns |= dict.fromkeys(_columns(tree))
        categories |= _categories(tree)
    return Formula(text=text, outcome=left[0], columns=tuple(columns), categories=frozenset(categories))


def _checked(code: str, text: str) -> ast.Expression:
    """The syntax tree of one factor, if it holds nothing but what is allowed."""
    tree = ast.parse(code.strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise _refused(code, text, "only columns, numbers, text, comparisons, arithmetic and functions")
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name):
                raise _refused(code, text, "functions are called by their plain name")
            if node.func.id not in FUNCTIONS:
                hint = did_you_mean(node.func.id, FUNCTIONS)
                raise _refused(code, text, f"one of {', '.join(FUNCTIONS)}", hint)
    return tree


def _refused(code: str, text: str, expected: str, hint: str | None = None) -> EstimationError:
    return EstimationError(
        "this term is not allowed in a formula",
        where=f"formula {text!r}",
        found=code,
        expected=expected,
        hint=hint or "make the variable a column first",
        code="formula",
    )


def _columns(tree: ast.Expression) -> list[str]:
    quoted = [
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _is(node, "Q")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in FUNCTIONS
    ]
    return quoted + names


def _categories(tree: ast.Expression) -> set[str]:
    return {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _is(node, "C", "factor")
        and node.args
        and isinstance(node.args[0], ast.Name)
    }


def _is(node: ast.Call, *names: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in names


def design_matrices(formula: Formula, patterns: Mapping[str, NDArray[Any]]) -> Matrices:
    """Outcome and model matrix of the patterns.

    Parameters
    ----------
    formula : Formula
    patterns : mapping of str to array (P,)
        Values of the columns of the formula, without gaps.

    Returns
    -------
    Matrices

    Raises
    ------
    EstimationError
        If a term cannot be evaluated or is not finite, the outcome is a category, or the columns of the
        matrix are linearly dependent.
    """
    import patsy

    data = {name: _prepared(values, name in formula.categories) for name, values in patterns.items()}
    try:
        left, right = patsy.dmatrices(formula.text, data, eval_env=_environment(), NA_action="raise")
    except Exception as exc:  # a term may fail in any way Python knows
        raise EstimationError(
            "the formula cannot be evaluated",
            where=f"formula {formula.text!r}",
            found=f"{type(exc).__name__}: {str(exc).splitlines()[0][:160]}",
            expected="terms that are numbers or categories and have no gaps",
            hint="a logarithm of 0 and a missing value are gaps",
        ) from None
    y, x = _outcome(left, formula), np.asarray(right, dtype=np.float64)
    info = right.design_info
    names = tuple(_NUMPY_TYPE.sub(r"\1", str(name)) for name in info.column_names)
    for name, column in (*zip(names, x.T, strict=True), (formula.outcome, y)):
        if not np.isfinite(column).all():
            raise EstimationError("a term of the formula is not finite in some rows", where=name)
    _check_rank(x, names)
    terms = {str(name): part for name, part in info.term_name_slices.items()}
    return Matrices(y=y, x=x, names=names, terms=terms, info=info, data=data)


def rebuild(matrices: Matrices, changed: Mapping[str, Any]) -> Floats:
    """Model matrix with some columns set to one value in every pattern, (P, K)."""
    import patsy

    data = dict(matrices.data)
    for name, value in changed.items():
        old = data[name]
        if hasattr(old, "categories"):
            data[name] = type(old).from_codes([list(old.categories).index(value)] * len(old), dtype=old.dtype)
        else:
            data[name] = np.full(len(old), value, dtype=old.dtype if old.dtype.kind != "i" else None)
    return np.asarray(patsy.build_design_matrices([matrices.info], data)[0], dtype=np.float64)


def _prepared(values: NDArray[Any], category: bool) -> Any:
    """Text as a category with sorted levels; whole numbers as integers where they are a category."""
    import pandas as pd

    if hasattr(values, "categories"):
        return values
    if values.dtype == object:
        return pd.Categorical(values, categories=sorted(set(values.tolist())))
    if category and values.dtype.kind == "f" and (values == np.round(values)).all():
        return values.astype(np.int64)
    return values.astype(np.float64) if not category else values


def _environment() -> Any:
    import patsy

    functions: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in _NUMERIC}
    return patsy.EvalEnvironment([functions | {"factor": patsy.builtins.C}])


def _outcome(left: Any, formula: Formula) -> Floats:
    """The left side as one column; a comparison counts as 1 where it holds."""
    names = [str(name) for name in left.design_info.column_names]
    if len(names) == 2 and names[1].endswith("[True]"):
        return np.asarray(left[:, 1], dtype=np.float64)
    if len(names) != 1 or names[0].endswith("]"):
        raise EstimationError(
            "the outcome is a category",
            where=formula.outcome,
            expected="a number, a Boolean, or a comparison",
            hint=f"write I({formula.outcome} == 'code') ~ ...",
        )
    return np.asarray(left[:, 0], dtype=np.float64)


def _check_rank(x: Floats, names: tuple[str, ...]) -> None:
    """Raise if the columns are linearly dependent, naming the first that follows from those before it."""
    from scipy.linalg import qr

    norms = np.sqrt(np.einsum("ij,ij->j", x, x))
    scale = np.where(norms > 0, norms, 1.0)
    gram = (x.T @ x) / np.outer(scale, scale)
    if np.linalg.eigvalsh(gram)[0] > 1e-6:  # plainly independent; the rest of the digits are not needed
        return
    r = qr(x / scale, mode="r")[0]
    pivots = np.abs(np.diagonal(r)) if r.shape[0] >= len(names) else np.zeros(len(names))
    dependent = [name for name, pivot in zip(names, pivots, strict=True) if pivot < 1e-10]
    if dependent:
        raise EstimationError(
            "the model cannot be estimated: a coefficient follows from the others",
            where=dependent[0],
            found=f"{len(names)} coefficients, {len(names) - len(dependent)} of them independent",
            expected="covariates that vary, and are no combination of each other",
            hint="leave a term out, or join levels without rows",
            code="collinear",
        )

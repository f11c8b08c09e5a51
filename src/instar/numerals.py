"""Regular expressions of number ranges: what a decoder may write where a number must lie between two others."""

from collections.abc import Callable, Iterator

Unsigned = Callable[[int, int], Iterator[str]]


def integer_pattern(low: int | None, high: int | None) -> str:
    """Every whole number from `low` to `high` without leading zeros; a bound of None is open."""
    if low is None or high is None:
        sign = "" if low is not None and low >= 0 else "-?"
        return f"{sign}(?:0|[1-9][0-9]*)"
    return _either(_signed(low, high, _naturals))


def fixed_pattern(decimals: int, low: float | None, high: float | None) -> str:
    """Every number from `low` to `high` written with exactly `decimals` decimals; a bound of None is open."""
    if low is None or high is None:
        sign = "" if low is not None and low >= 0 else "-?"
        return f"{sign}(?:0|[1-9][0-9]*)\\.[0-9]{{{decimals}}}"
    scale = 10**decimals
    first, last = _ceil(low * scale), _floor(high * scale)
    return _either(_signed(first, last, lambda a, b: _decimals(a, b, decimals)))


def _either(options: Iterator[str]) -> str:
    return "(?:" + "|".join(options) + ")"


def _ceil(value: float) -> int:
    # 0.1 * 1000 must be 100 whatever binary fractions make of it.
    return -int(-value // 1) if abs(value - round(value)) > 1e-9 else round(value)


def _floor(value: float) -> int:
    return int(value // 1) if abs(value - round(value)) > 1e-9 else round(value)


def _signed(low: int, high: int, unsigned: Unsigned) -> Iterator[str]:
    if low < 0:
        yield from ("-" + option for option in unsigned(max(1, -high), -low))
    if high >= 0:
        yield from unsigned(max(0, low), high)


def _naturals(low: int, high: int) -> Iterator[str]:
    """Numbers from `low` to `high`, both at least 0, one group per number of digits."""
    for width in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (width - 1) if width > 1 else 0)
        last = min(high, 10**width - 1)
        yield from _digits(str(first), str(last))


def _decimals(low: int, high: int, decimals: int) -> Iterator[str]:
    """Numbers from `low` to `high` counted in units of the last decimal."""
    scale = 10**decimals
    (first, rest), (last, end) = divmod(low, scale), divmod(high, scale)
    if first == last:
        yield from _fractions(str(first), rest, end, decimals)
        return
    inner_first = first if rest == 0 else first + 1
    inner_last = last if end == scale - 1 else last - 1
    if rest:
        yield from _fractions(str(first), rest, scale - 1, decimals)
    if inner_first <= inner_last:
        yield _either(_naturals(inner_first, inner_last)) + f"\\.[0-9]{{{decimals}}}"
    if end != scale - 1:
        yield from _fractions(str(last), 0, end, decimals)


def _fractions(whole: str, low: int, high: int, decimals: int) -> Iterator[str]:
    for option in _digits(str(low).zfill(decimals), str(high).zfill(decimals)):
        yield f"{whole}\\.{option}"


def _digits(low: str, high: str) -> Iterator[str]:
    """Strings of digits of one length from `low` to `high`."""
    if low == high:
        yield low
    elif set(low[1:]) <= {"0"} and set(high[1:]) <= {"9"}:
        yield _digit(low[0], high[0]) + (f"[0-9]{{{len(low) - 1}}}" if len(low) > 1 else "")
    elif low[0] == high[0]:
        yield from (low[0] + option for option in _digits(low[1:], high[1:]))
    else:
        yield from _uneven(low, high)


def _uneven(low: str, high: str) -> Iterator[str]:
    """As `_digits` where the first digits differ and the rest does not run from 000 to 999."""
    rest = len(low) - 1
    first, last = int(low[0]), int(high[0])
    if low[1:].strip("0"):
        yield from (low[0] + option for option in _digits(low[1:], "9" * rest))
        first += 1
    if high[1:].strip("9"):
        yield from (high[0] + option for option in _digits("0" * rest, high[1:]))
        last -= 1
    if first <= last:
        yield _digit(str(first), str(last)) + f"[0-9]{{{rest}}}"


def _digit(low: str, high: str) -> str:
    return low if low == high else f"[{low}-{high}]"

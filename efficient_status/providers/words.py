"""Words and dates as status pages write them.  Pure.

States: the vocabulary of Statuspage and incident.io, with the spellings and languages met in the
wild.  Dates: RFC 822 and RFC 3339, and the clock times of a timeline («Mar  4, 09:12 UTC»), which
have no year.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from efficient_status.models import State

_STATES = {
    State.INVESTIGATING: "investigating|investigando|wird untersucht|untersuchung|in untersuchung"
    "|en cours d'investigation|enquête en cours|調査中",
    State.IDENTIFIED: "identified|identificado|identifié|identifiziert|特定済み|原因特定",
    State.MONITORING: "monitoring|monitorando|monitoreando|supervisando|surveillance"
    "|sous surveillance|überwachung|wird überwacht|監視中",
    State.RESOLVED: "resolved|resolvido|resuelto|résolu|behoben|gelöst|解決済み|復旧済み",
    State.SCHEDULED: "scheduled|agendado|agendada|programado|programada|planifié|planifiée"
    "|geplant|予定|planned|upcoming",
    State.IN_PROGRESS: "in progress|in_progress|in-progress|inprogress|em andamento|em progresso"
    "|en curso|en progreso|en cours|in bearbeitung|in arbeit|進行中",
    State.VERIFYING: "verifying|verificando|vérification|überprüfung|検証中|確認中",
    State.COMPLETED: "completed|complete|concluído|concluída|completado|completada|terminé"
    "|terminée|abgeschlossen|完了",
    State.POSTMORTEM: "postmortem|post-mortem|post mortem",
}
STATES: dict[str, State] = {
    word: state for state, words in _STATES.items() for word in words.split("|")
}
# A heading that means «no change of state».
UPDATE_WORDS = frozenset(
    {"update", "updated", "atualização", "actualización", "mise à jour", "aktualisierung", "更新"}
)


def state_of(word: str) -> State | None:
    """The state a heading names, whatever its case and blanks, or None."""
    return STATES.get(" ".join(word.split()).strip(" :.-–—[]()").casefold())


_YEARS = range(1970, 9000)  # what can be shown in any zone


def moment(text: str) -> datetime | None:
    """A date of a feed: RFC 3339 or RFC 822, the latter with zone names; None if it is neither.

    A date without a zone, or with -0000 (RFC 5322 3.3: zone unknown), is taken as UTC.
    """
    text = text[:100].strip()
    try:
        found = _rfc3339(text) if text[:4].isdigit() else _rfc822(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return found if found and found.year in _YEARS else None


def _rfc3339(text: str) -> datetime:
    found = datetime.fromisoformat(text.upper().removesuffix(" UTC"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _rfc822(text: str) -> datetime | None:
    parts = parsedate_tz(text)
    if parts is None:
        return None
    offset: float = parts[9] or 3600 * _ZONES.get(text.rpartition(" ")[2], (0,))[0]
    return datetime(*parts[:6], tzinfo=timezone(timedelta(seconds=offset)) if offset else UTC)


def utc(time: datetime | None) -> datetime | None:
    """The same moment in UTC."""
    return time.astimezone(UTC) if time else None


# Hours east of UTC.  Of several meanings the one nearest to the page's own offset is taken.
_ZONES: dict[str, tuple[float, ...]] = {
    "UTC": (0,), "GMT": (0,), "Z": (0,), "WET": (0,), "WEST": (1,), "CET": (1,), "CEST": (2,),
    "EET": (2,), "EEST": (3,), "MSK": (3,), "SAST": (2,), "JST": (9,), "KST": (9,), "SGT": (8,),
    "HKT": (8,), "AWST": (8,), "ACST": (9.5,), "ACDT": (10.5,), "AEST": (10,), "AEDT": (11,),
    "NZST": (12,), "NZDT": (13,), "EST": (-5,), "EDT": (-4,), "CDT": (-5,), "MST": (-7, 8),
    "MDT": (-6,), "PST": (-8, 8), "PDT": (-7,), "AKST": (-9,), "AKDT": (-8,), "HST": (-10,),
    "BRT": (-3,), "ART": (-3,), "CST": (-6, 8), "IST": (5.5, 1, 2), "BST": (1, 6),
    "AST": (-4, 3), "ADT": (-3,), "NST": (-3.5,), "NDT": (-2.5,), "PKT": (5,), "WIB": (7,),
}  # fmt: skip
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_CLOCK = re.compile(
    r"(?P<month>[A-Za-z]{3})[a-z]*\.?\s+(?P<day>\d{1,2})(?:\s*,\s*(?P<year>\d{4}))?\s*[,-]?\s*"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[AaPp][Mm])?\s*"
    r"(?P<zone>[A-Z]{1,5}\b)?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?"
)


def clock(text: str, near: datetime) -> datetime | None:
    """A clock time of a timeline, with the year that brings it nearest to `near`.

    Args:
        text: like «Mar  4, 09:12 UTC», «Oct 16, 12:19 PDT», «Mar 4, 15:15:00 GMT+0».
        near: a moment known from the same item; its offset also stands in for a zone that is
            missing or unknown.
    """
    found = _CLOCK.search(text[:100])
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    years = [int(found["year"])] if found["year"] else [near.year + n for n in (0, -1, 1)]
    times = [time for year in years if (time := _dated(found, year, near))]
    return min(times, key=lambda time: abs(time - near), default=None)


def _dated(found: re.Match[str], year: int, near: datetime) -> datetime | None:
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    try:  # 29 February exists in one of the years only
        time = datetime(
            year,
            _MONTHS.index(found["month"].lower()) + 1,
            int(found["day"]),
            hour,
            int(found["minute"]),
            int(found["second"] or 0),
            tzinfo=_zone(found["zone"], found["offset"], near),
        )
    except ValueError:
        return None
    return time if year in _YEARS else None


def _zone(name: str | None, offset: str | None, near: datetime) -> timezone:
    page = near.utcoffset() or timedelta()
    if offset:
        sign = -1 if offset[0] == "-" else 1
        digits = offset[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    meanings = [timedelta(hours=hours) for hours in _ZONES.get(name or "", ())]
    return timezone(min(meanings, key=lambda each: abs(each - page), default=page))

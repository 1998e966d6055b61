"""What a lead sets for everybody at the desk, and who they are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES
from moderation.review.checks import check_name
from moderation.tables import Person, Role, Setting

NOBODY: Final = "policy:"
"""How what no person decided is signed."""
SITE: Final = "site:"
"""How what another system sent is signed, with the name that it gave."""
MOST_RULES: Final = 9
"""As many as there are digits to press."""
LONGEST_RULE: Final = 64
LONGEST_NAME: Final = 128
MOST_DAYS: Final = 36_500
"""A century."""


@dataclass(frozen=True)
class House:
    """The rules of the house and how the desk works."""

    house_rules: tuple[str, ...] = HOUSE_RULES
    """What a removal can be for, by the digits 1 to 9."""
    second_share: float = 0.05
    """The share of decisions that a second moderator makes as well, blind."""
    claim_minutes: int = 10
    """How long a comment on somebody's screen is kept from the others."""
    retain_texts_days: int | None = None
    """After how many days the words of decided comments are erased; None keeps them."""
    retain_authors_days: int | None = None

    def __post_init__(self) -> None:
        rules = tuple(rule.strip() for rule in self.house_rules)
        object.__setattr__(self, "house_rules", rules)
        if not 1 <= len(rules) <= MOST_RULES:
            raise ReviewError(f"{len(rules)} house rules; expected 1 to {MOST_RULES}: one a digit")
        if len({rule.casefold() for rule in rules}) < len(rules):
            raise ReviewError("two house rules have the same name; name each differently")
        if not all(rule and len(rule) <= LONGEST_RULE for rule in rules):
            raise ReviewError(f"a house rule has a name of 1 to {LONGEST_RULE} characters")
        if not 0 <= self.second_share <= 1:
            raise ReviewError(f"second_share is {self.second_share}; expected a share from 0 to 1")
        if not 1 <= self.claim_minutes <= 24 * 60:
            raise ReviewError(f"claim_minutes is {self.claim_minutes}; expected 1 to a day's 1440")
        for name in ("retain_texts_days", "retain_authors_days"):
            days = getattr(self, name)
            if days is not None and not 1 <= days <= MOST_DAYS:
                raise ReviewError(
                    f"{name} is {days}; expected 1 to {MOST_DAYS}, or none to keep all"
                )

    @property
    def claimed_for(self) -> timedelta:
        return timedelta(minutes=self.claim_minutes)


@dataclass(frozen=True)
class Care:
    """How somebody is spared, as far as they wish; on where it costs nothing."""

    blur: bool = True
    """Blur comments that score high until asked for."""
    blur_from: float = 0.9
    mask: bool = True
    """Show only the first letter of words that are abusive by themselves."""
    grey: bool = True
    """Show emoji and pictures without colour."""
    break_after: int = 50
    """Minutes of work after which a break is suggested; 0 never."""
    severe_in_a_row: int = 5
    """So many comments that score high at most, then another one; 0 is without limit."""

    def __post_init__(self) -> None:
        if not 0 <= self.blur_from <= 1:
            raise ReviewError(f"blur_from is {self.blur_from}; expected a score from 0 to 1")
        if not (0 <= self.break_after <= 480 and 0 <= self.severe_in_a_row <= 100):
            raise ReviewError("expected 0 to 480 minutes, and 0 to 100 comments in a row")


@dataclass(frozen=True)
class Member:
    """Somebody at the desk."""

    name: str
    role: Role
    care: Care = Care()

    @property
    def decides(self) -> bool:
        return self.role is not Role.READER

    @property
    def leads(self) -> bool:
        return self.role is Role.LEAD


def read_house(session: Session) -> House:
    """Return what was set last, the defaults where nothing was."""
    stored = {row.name: row.value for row in session.scalars(select(Setting))}
    known = {field.name: stored[field.name] for field in fields(House) if field.name in stored}
    if "house_rules" in known:
        known["house_rules"] = tuple(known["house_rules"])
    return House(**known)


def change_house(
    session: Session, changes: Mapping[str, Any], *, changed_by: Member, changed_at: datetime
) -> House:
    """
    Set what a lead has changed and return all; the caller commits.

    Raises:
        ReviewError: somebody else than a lead, or a value that cannot be.

    """
    if not changed_by.leads:
        raise ReviewError("only a lead changes the settings of the house")
    house = replace(read_house(session), **changes)
    for name in changes:
        value = asdict(house)[name]
        session.merge(
            Setting(
                name=name,
                value=list(value) if isinstance(value, tuple) else value,
                changed_by=changed_by.name,
                changed_at=changed_at,
            )
        )
    session.flush()
    return house


def sign_in(session: Session, name: str, *, default: Role, now: datetime) -> Member:
    """
    Return whoever sits down at the desk, entered with the default role the first time.

    Raises:
        ReviewError: nobody named, or a name too long to be one or that stands for no person.

    """
    name = check_name(name)
    if name.startswith(NOBODY):
        raise ReviewError(f"{NOBODY} stands for what no person decided; take another name")
    if name.startswith(SITE):
        raise ReviewError(f"{SITE} stands for what another system sent; take another name")
    if len(name) > LONGEST_NAME:
        raise ReviewError(f"a name of {len(name)} characters; expected at most {LONGEST_NAME}")
    person = session.get(Person, name)
    if person is None:
        person = Person(name=name, role=default, care={}, seen_at=now)
        session.add(person)
    person.seen_at = now
    session.flush()
    return _to_member(person)


def find_member(session: Session, name: str) -> Member | None:
    """Return somebody who has sat at the desk before."""
    person = session.get(Person, name.strip())
    return None if person is None else _to_member(person)


def list_members(session: Session) -> list[tuple[Member, datetime]]:
    """Return everybody with when they were last seen, by name."""
    people = session.scalars(select(Person).order_by(Person.name))
    return [(_to_member(person), person.seen_at) for person in people]


def count_deciding(session: Session, *, since: datetime) -> int:
    """Return how many people who may decide were seen since a moment."""
    query = select(func.count()).where(Person.role != Role.READER, Person.seen_at >= since)
    return session.scalar(query) or 0


def give_role(session: Session, name: str, role: Role, *, given_by: Member) -> Member:
    """
    Let somebody do more, or less; the caller commits.

    Raises:
        ReviewError: given by somebody else than a lead, to nobody known, or the last lead is to
            lead no longer.

    """
    if not given_by.leads:
        raise ReviewError("only a lead gives roles")
    name = name.strip()
    person = session.get(Person, name)
    if person is None:
        raise ReviewError("nobody of that name has signed in yet")
    leads = select(func.count()).where(Person.role == Role.LEAD, Person.name != name)
    if role is not Role.LEAD and person.role is Role.LEAD and not session.scalar(leads):
        raise ReviewError("that is the only lead: make somebody else one first")
    person.role = role
    session.flush()
    return _to_member(person)


def change_care(session: Session, name: str, care: Care) -> Member:
    """Keep how somebody wishes to be spared; the caller commits."""
    person = session.get(Person, name)
    if person is None:
        raise ReviewError("nobody of that name has signed in yet")
    person.care = asdict(care)
    session.flush()
    return _to_member(person)


def _to_member(person: Person) -> Member:
    known = {field.name for field in fields(Care)}
    care = Care(**{name: value for name, value in person.care.items() if name in known})
    return Member(person.name, person.role, care)

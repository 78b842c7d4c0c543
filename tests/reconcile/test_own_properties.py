"""What holds for every token of an issuer with own logs, whatever is relied on: many stories in each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from counterfoil.model.counterfoil import CUSTODY_LOG, LEDGER_LOG
from counterfoil.model.coverage import Declaration

from .cases import Case
from .engine_run import Judge
from .groups import grouped
from .own_rows import (
    CUSTODY,
    LEDGER,
    digest_of,
    key_used,
    minted,
    own_logs,
    received,
    renewed,
    signed,
    verified,
)
from .reference import Settings
from .rows import Row, at

STRANGE: Row = {"client_id": "rogue", "ip": "203.0.113.9", "user_agent": "curl"}
KINDS = (
    "genuine", "renewed", "stolen key", "through custody", "altered ledger", "cloned id", "cloned through custody",
    "laundered",
)
TRUST = ("attested", "declared", "seen", "refused")


@dataclass(frozen=True)
class Story:
    """One token: how it came to be, when (minutes), how it is received, and what is known of the two logs."""

    kind: str
    issued: int
    age: int
    receipts: int
    signature: str | None
    ledger: str
    custody: str
    custody_ends: int | None  # so many minutes after the first use; None: long after

    @property
    def custody_end(self) -> int | None:
        """Return the minute in which the log of custody ends."""
        return None if self.custody_ends is None else max(1, self.used + self.custody_ends)

    @property
    def used(self) -> int:
        """Return the minute of its first use."""
        return self.issued + self.age

    def rows(self) -> list[Row]:
        """Return what logs and receipts hold of it."""
        entry = minted(self.issued, "x")
        other = {"signing_input_digest": digest_of("x", "other")}
        told: Mapping[str, list[Row]] = {
            "genuine": signed(entry),
            "renewed": [*signed(minted(self.issued - 5, "p")), *signed(renewed(self.issued, "x", ["p"]))],
            "stolen key": [],
            "through custody": [key_used(self.issued, digest_of("x"))],
            "altered ledger": [entry],
            "cloned id": signed(entry),
            "cloned through custody": [*signed(entry), key_used(self.issued, digest_of("x", "other"))],
            "laundered": [
                received(self.issued - 1, "p", age=1, **STRANGE), *signed(renewed(self.issued, "x", ["p"])),
            ],
        }
        claims: dict[str, Any] = {"issued_at": at(self.issued), "signature": self.signature, **STRANGE}
        claims |= other if "clone" in self.kind else {}
        uses = [received(self.used + n, "x", **claims) for n in range(self.receipts)]
        return [*told[self.kind], *uses]

    def settings(self) -> Settings:
        """Return what is said of its logs."""
        logs = ((LEDGER_LOG, LEDGER, self.ledger, None), (CUSTODY_LOG, CUSTODY, self.custody, self.custody_end))
        checks = [
            verified(log, status=trust, reason="", end=None if end is None else at(end))
            for log, _, trust, end in logs if trust in ("attested", "refused")
        ]
        told = [
            Declaration(log, origin, None, None if end is None else at(end))
            for log, origin, trust, end in logs if trust == "declared"
        ]
        return Settings(tuple(told), attested=tuple(checks))

    def custody_tells(self, *, recorded: bool) -> bool:
        """Rule 8.2, of this story: whether a signature that is missing is known to be missing."""
        until = timedelta(minutes=self.issued if recorded else self.used, seconds=10)
        ended = self.custody_end is not None and until > timedelta(minutes=self.custody_end)
        return self.custody in ("attested", "declared") and not ended

    def custody_denies(self) -> bool:
        """Rule 4.4, of this story: whether custody alone tells that it was never signed."""
        end = self.custody_end
        return self.custody == "attested" and (end is None or self.used + 5 <= end)

    def wanted(self) -> tuple[str, str | None]:
        """Return verdict and diagnosis, from the text of the rules."""
        relied = self.ledger in ("attested", "declared")
        if self.kind in ("genuine", "renewed"):
            return "minted", None
        if self.kind == "altered ledger":
            return ("contradicted", "ledger-altered") if self.custody_tells(recorded=True) else ("minted", None)
        if self.kind == "laundered":  # 6.4 if its parent is convicted, else 6.3
            return ("tainted", "laundered") if relied else ("uncovered", None)
        denied = self.kind == "stolen key" and self.custody_denies()
        verdict = "contradicted" if "clone" in self.kind else "forged" if relied or denied else "uncovered"
        if verdict == "uncovered":
            return verdict, None
        if "through custody" in self.kind:
            return verdict, "through-custody"
        if not self.custody_tells(recorded=False):
            return verdict, "custody-unknown"
        return verdict, "key-out" if self.signature == "verified" else "key-out-or-unchecked"


stories = st.builds(
    Story, kind=st.sampled_from(KINDS), issued=st.integers(10, 600), age=st.integers(1, 55),
    receipts=st.integers(1, 3), signature=st.sampled_from(("verified", "unchecked", "failed", None)),
    ledger=st.sampled_from(TRUST), custody=st.sampled_from(TRUST), custody_ends=st.none() | st.integers(-70, 40),
)


@pytest.mark.xdist_group("stories")
def test_every_story_is_judged_as_the_rules_say(engine_judge: Judge) -> None:
    """3.5, 4.1, 4.4, 5.9, 6.4, 8: nobody genuine is accused, whatever is relied on; the rest as the logs allow."""
    told: list[Story] = []

    @tries(max_examples=180, database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(stories)
    def draw(story: Story) -> None:
        told.append(story)

    draw()
    assert len(told) >= 150
    assert wrong(engine_judge, told) == []


@pytest.mark.slow
@tries(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(stories, min_size=100, max_size=100))
def test_many_more_stories(engine_judge: Judge, told: list[Story]) -> None:
    """The same, six thousand times."""
    assert wrong(engine_judge, told) == []


def wrong(judge: Judge, told: list[Story]) -> list[tuple[Story, tuple[str, str | None], tuple[str, str | None]]]:
    """Return the stories of which the engine says something else, with what it should say and what it does."""
    (group,) = grouped({
        f"{place}": Case("8", story.rows(), (), story.settings(), around=own_logs(), compared=False)
        for place, story in enumerate(told)
    })
    answer = group.told(judge(group.rows, group.settings, group.policy))
    found = {
        name: (token["verdict"], token["diagnosis"])
        for name, said in answer.items() for token in said.tokens if (token["token_id"], token["derived"]) == ("x", "")
    }
    return [
        (story, story.wanted(), found[str(place)])
        for place, story in enumerate(told) if found[str(place)] != story.wanted()
    ]

"""Rules 1.3 c and d: what exchanges say of the tokens that were shown, in the provider's logs and in own ones."""

from __future__ import annotations

from counterfoil.model.counterfoil import Grant
from counterfoil.model.reason import Reason

from .cases import Case, Table, Wanted, last, of
from .cases_own_ledger import STRANGE
from .own_rows import attested, digest_of, minted, own_logs, received, renewed, told
from .rows import Row, access, exchange, sign_in

CHILD = [renewed(6, "child", ["p"]), received(9, "child", age=3)]
OTHER: Row = {"signing_input_digest": digest_of("p", "other")}
THEIRS: Row = {"signing_input_digest": "d1", "token_id_kind": "jti"}
BARE: Row = {"signing_input_digest": None}
NOBODY = None


def shown(subject: str | None, **more: object) -> Wanted:
    """Want this subject of the token that was shown."""
    return of("p", None, "exchange", subject=subject, **more)


# What else is known of `p`, with which `child` was obtained, and what is known then of the token that was shown.
SHOWN: dict[str, tuple[list[Row], Wanted | tuple[Wanted, ...]]] = {
    "was issued here and received: that very token": (
        [minted(0, "p"), received(5, "p")], of("p", acceptances=2)),
    "is an id that two tokens bear": ([received(4, "p", age=4), received(5, "p", **OTHER)], shown(NOBODY)),
    "was received by a service that tells no digest": ([received(5, "p", **BARE)], shown(NOBODY)),
    "was received and never issued, whatever came of asking for it": (
        [minted(0, "p", outcome="failed", **BARE), received(5, "p", **STRANGE)], of("p", acceptances=2)),
    "was received and revoked": (
        [minted(0, "p", leg="context", operation="revoke", **BARE), received(5, "p", **STRANGE)],
        of("p", acceptances=2)),
    "was received, and an id that the provider issued too": (
        [sign_in(0, "p", "zoe"), received(5, "p", **STRANGE)], of("p", acceptances=2)),
    "was issued under another id": (
        [minted(0, "q"), received(5, "p", signing_input_digest=digest_of("q"))], of("p", acceptances=2)),
    "was issued, and other bytes under its id were received": (
        [minted(0, "p"), minted(0, "q"), received(5, "p", signing_input_digest=digest_of("q"))], shown(NOBODY)),
    "was used at the provider's own services": (
        [sign_in(0, "p", **THEIRS), access(5, "p", **THEIRS)],
        shown(NOBODY, issuer=None)),
    "is only an id that the provider gave, of another kind: no root": (
        [sign_in(0, "p"), access(5, "p")], (shown(NOBODY, issuer=None), of("child", Reason.UNROOTED_UNCOVERED))),
    "is known to nothing": ([], shown(NOBODY, issuer=None)),
}
# Who issued a token of which nothing else is known, by the log and the kind of exchange.
GRANTS: dict[str, tuple[Row, bool]] = {
    "a refresh by a ledger": (renewed(6, "child", ["p"], operation=str(Grant.REFRESH)), True),
    "an exchange by a ledger": (renewed(6, "child", ["p"]), False),
    "a refresh by a log of lines": (
        told(6, "child", leg="secondary_issuance", operation=str(Grant.REFRESH), parent_token_ids=["p"]), False),
}


def _issuer(known: bool) -> Wanted:
    return shown(NOBODY) if known else shown(NOBODY, issuer=None)


CASES: Table = {
    **{
        f"what was shown to an own issuer {words}": Case(
            "1.3 d", [*rows, *CHILD], wanted, attested(), around=own_logs())
        for words, (rows, wanted) in SHOWN.items()
    },
    **{
        f"whose token was shown, by {words}": Case("1.3 d", [row], _issuer(known), attested(), around=own_logs())
        for words, (row, known) in GRANTS.items()
    },
    "a sign in that names parents shows no token": Case(
        "1.3 c", [sign_in(5, "c", parent_token_ids=["p"]), access(9, "c")], last(acceptances=1)),
    "a token that is shown twice in one exchange is shown once": Case(
        "1.3 c", [sign_in(0, "p"), exchange(5, "c", ["p", "p"])], of("p", None, "exchange", acceptances=1)),
}

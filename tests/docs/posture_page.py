"""Writes docs/reference/posture.md from the checks."""

from __future__ import annotations

from counterfoil.posture import checks_page
from counterfoil.posture.baseline import shipped
from counterfoil.posture.exports.registry import all_exports
from counterfoil.posture.forms.registry import names
from counterfoil.posture.imports.registry import all_imports

PATH = "docs/reference/posture.md"

_HEAD = """\
# Posture

Written by `python -m tests.docs.refresh` from `src/counterfoil/posture/`; a test compares the two. How to begin:
[harden](../harden.md).

`counterfoil posture PATH...` asks every check of every issuer, key store, service and tenant that it finds in what you
name. An answer is *pass*, *partial*, *fail* or *cannot tell*, with the value seen beside the value expected, and
whether what is seen is a default or somebody's choice. Where data are missing the answer is *cannot tell*, never
*pass*. What a record of a case (`--case DIR`) proves outranks what a setting or a scan says.

## What is read

| what you name | what it is |
| --- | --- |
| an address | an issuer: its metadata (OpenID Connect Discovery, RFC 8414) and key set, with its cache header |
| a key set, metadata | files of one folder are one issuer; `jwks.headers` beside `jwks.json`: what `curl -D` kept |
| a folder of fetches | a history: key sets named by the time of their fetch (UTC), `2024-06-05T120000Z.json` |
| `git:FILE` | a history: every committed version of a file |
| scans | {tools}: their JSON as it is |
| exports | of key stores, clouds, directories and AD FS, as their tools write them: [below](#exports) |
| a matrix | what `counterfoil matrix --format json` wrote: which tokens services let in ([matrix](../matrix.md)) |
| `Get-MailboxAuditStatus` | the CSV of the Microsoft-Extractor-Suite |
| `--case DIR` | a case that was judged: what its records prove, and what [ready](../ready.md) says of it |

One fetch is a sample: replicas of large issuers answer with different sets. A key is *new* only if fetches of seven
days did not have it, *away* only if three fetches or more over seven days miss it, and *back* only after that.

### Exports

{exports}

Keys are joined with the records of a case by their names: what was done to them outranks what an export says.

## Figures

Baseline `{baseline}`. `--baseline FILE` takes others, of the same form, with a name and a version of their own; ages of
keys go by `--key-class`.

| figure | value | source |
| --- | --- | --- |
{figures}

## Forms and ends

`--format` is one of {forms}. `--before FILE` tells what changed since an earlier report in JSON. `--exceptions FILE`:

```toml
[[exception]]
check = "issuer-pkce"
subject = "https://issuer.example"   # left out: of all subjects
owner = "Kim"
reason = "the last client without PKCE goes in March"
until = 2027-03-31
```

The command ends with 0 if all pass or are under an exception, with 1 if a check fails, with 3 if none fails but some
pass in part or cannot tell. Results of scans that we do not ask ourselves stand in the report with their tool's
verdict, are counted, and come after ours in the next steps.

## Checks

"""


def rendered() -> str:
    """Return the whole page."""
    base = shipped()
    figures = "\n".join(f"| `{name}` | {figure.value:g} | {figure.source} |" for name, figure in base.figures.items())
    head = _HEAD.format(
        exports="\n".join(f"- {one.name}" for one in all_exports()),
        tools=", ".join(one.tool for one in all_imports()), baseline=base.id, figures=figures,
        forms=", ".join(f"`{name}`" for name in names()),
    )
    return head + checks_page.markdown()

"""AWS CloudTrail: who used and administered the keys of KMS, and who switched the trail off.

Events of other services are read as context: reading the objects of a bucket (data events of S3) is what tells of
crash and debug stores. docs.aws.amazon.com, "Logging AWS KMS API calls with AWS CloudTrail" and
"CloudTrail record contents".
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import key_store
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_TEXT, TEXT, Explain, RawType, Source

CLOUDTRAIL_LOG = "aws-cloudtrail"
_KMS, _TRAIL, _S3 = "kms.amazonaws.com", "cloudtrail.amazonaws.com", "s3.amazonaws.com"
_OPERATIONS = {
    "Sign": key_store.SIGN, "GenerateMac": key_store.SIGN,
    "CreateKey": "create", "ReplicateKey": "create", "RotateKeyOnDemand": "rotate",
    "ImportKeyMaterial": key_store.ATTACH, "GetParametersForImport": key_store.ATTACH,
    "ScheduleKeyDeletion": "destroy", "DeleteImportedKeyMaterial": "destroy", "DisableKey": "disable",
    "EnableKey": "enable", "CancelKeyDeletion": "enable",
    **dict.fromkeys(
        ("PutKeyPolicy", "CreateGrant", "RetireGrant", "RevokeGrant", "CreateAlias", "UpdateAlias", "DeleteAlias"),
        key_store.POLICY,
    ),
    **dict.fromkeys(("ListKeys", "DescribeKey", "GetPublicKey", "GetKeyPolicy", "ListGrants", "ListAliases"), "list"),
}
_TRAIL_OFF = ("StopLogging", "DeleteTrail")
# Which events of KMS a trail leaves out: `excludeManagementEventSources`, or a selector that is not equal to it.
_WITHOUT_KMS = r"(?is)exclude\w*\W.*kms\.amazonaws\.com|notEquals\W.*kms\.amazonaws\.com"
_DENIED = r"(?i)denied|unauthorized|forbidden"
_PARAMETERS = ("keyId", "bucketName", "key", "trailName", "name", "eventSelectors", "advancedEventSelectors")
MAX_KEY_ID = 256  # characters


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map uses of keys to key uses, everything else to context."""
    at_kms = raw.eventSource == _KMS
    asked = raw.requestParameters
    selectors = ibis.coalesce(asked["eventSelectors"], "") + ibis.coalesce(asked["advancedEventSelectors"], "")
    off = mapping.among(raw.eventName, _TRAIL_OFF) | (
        (raw.eventName == "PutEventSelectors") & selectors.re_search(_WITHOUT_KMS)
    )
    did = ibis.cases(
        *((at_kms & (raw.eventName == name), word) for name, word in _OPERATIONS.items()),
        ((raw.eventSource == _TRAIL) & off, key_store.AUDIT_OFF),
    )
    # AWS names a key as the caller did (id, ARN, alias); resources has its ARN
    named = raw.resources.map(lambda one: one["ARN"]).filter(lambda arn: arn.contains(":key/"))
    arn = mapping.text(named.mins())
    key = ibis.ifelse(at_kms, ibis.coalesce(arn, mapping.text(asked["keyId"]), _spelt_otherwise(raw)),
                      ibis.null("string"))
    s3 = ibis.ifelse((raw.eventSource == _S3) & asked["key"].notnull(),
                     ibis.literal("s3://") + asked["bucketName"] + "/" + asked["key"], ibis.null("string"))
    raw = mapping.stage(raw, did=did, held=key, file=s3)
    signed = (raw.did == key_store.SIGN).fill_null(False)
    who = raw.userIdentity
    failure = mapping.text(raw.errorCode)
    return mapping.rows(
        raw,
        source=CLOUDTRAIL_LOG,
        fidelity=1,
        reject=ibis.cases((raw.eventName.isnull(), "no event of an API")),
        leg=ibis.ifelse(signed, str(Leg.KEY_USE), str(Leg.CONTEXT)),
        kind=ibis.coalesce(mapping.text(raw.recipientAccountId), mapping.text(who["accountId"]), "unknown"),
        event_time=mapping.when(raw.eventTime),
        # one event that concerns two accounts is in the trails of both
        record_id=mapping.lower(ibis.coalesce(mapping.text(raw.sharedEventID), raw.eventID)),
        key_id=ibis.ifelse(signed, raw.held, ibis.null("string")),
        algorithm=mapping.text(raw.requestParameters["signingAlgorithm"]),
        key_operation=raw.did,
        subject_id=mapping.lower(who["principalId"]),
        subject_name=ibis.coalesce(
            mapping.lower(who["sessionContext"]["sessionIssuer"]["arn"]), mapping.lower(who["arn"]),
            mapping.lower(who["invokedBy"]), mapping.lower(who["principalId"]),
        ),
        ip=mapping.address(raw.sourceIPAddress),
        user_agent=mapping.text(raw.userAgent),
        operation=raw.eventName,
        outcome=ibis.cases((failure.re_search(_DENIED), str(Outcome.REFUSED)), (failure.notnull(), str(Outcome.FAILED)),
                           else_=str(Outcome.SUCCESS)),
        object_kind=ibis.cases(
            (raw.held.notnull(), "signing_key"), (raw.file.notnull(), "file"),
            ((raw.did == key_store.AUDIT_OFF).fill_null(False), "audit_log"),
        ),
        object_id=ibis.coalesce(
            raw.held, raw.file, mapping.text(raw.requestParameters["trailName"]),
            mapping.text(raw.requestParameters["name"]),
        ),
        extra=mapping.extra(
            service=raw.eventSource, region=raw.awsRegion, session=who["arn"], invokedBy=who["invokedBy"],
            error=failure, requestID=raw.requestID,
        ),
    )


def _spelt_otherwise(raw: ir.Table) -> ir.StringValue:
    """Return the key's id as emulators spell the member: no two members may differ in case alone."""
    told = raw[RAW_TEXT].re_extract(r'"KeyId"\s*:\s*"([^"\\]+)"', 1)
    return mapping.text(mapping.within(told, MAX_KEY_ID))


_RAW: dict[str, RawType] = {
    **dict.fromkeys((
        "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "requestID",
        "eventID", "sharedEventID", "recipientAccountId",
    ), TEXT),
    "userIdentity": {
        **dict.fromkeys(("type", "principalId", "arn", "accountId", "invokedBy"), TEXT),
        "sessionContext": {"sessionIssuer": {"arn": TEXT}},
    },
    "requestParameters": {**dict.fromkeys(_PARAMETERS, TEXT), "signingAlgorithm": TEXT},
    "resources": [{"ARN": TEXT}],
}
SOURCE = Source(
    name="aws-cloudtrail",
    log=Log(CLOUDTRAIL_LOG, issuance=Issuance(key_uses=True)),
    title="AWS CloudTrail events (KMS, the trail itself, objects of S3)",
    fidelity=1,
    required=frozenset({"eventSource", "eventName", "eventTime", "eventID"}),
    raw=_RAW,
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "Every call of an API: who signed with which key of KMS, who changed keys, grants and policies, and who"
            " stopped the trail. Signatures are key uses, without digests: KMS does not log what was signed. The rest"
            " is context; kind is the account."
        ),
        export=(
            "aws s3 sync s3://TRAIL-BUCKET/AWSLogs/ACCOUNT/CloudTrail/ cloudtrail/",
            "or aws cloudtrail lookup-events --lookup-attributes"
            " AttributeKey=EventSource,AttributeValue=kms.amazonaws.com"
            " --query 'Events[].CloudTrailEvent' --output json | jq -c '.[] | fromjson' > kms.jsonl",
        ),
        retention="90 days in the event history; as long as the bucket keeps it for a trail.",
        caps="lookup-events gives 50 events a page, of one region.",
        traps=(
            "a trail may leave out the events of KMS (excludeManagementEventSources): then no signature is in it",
            "each region has its own files, and keys of several regions sign in each",
            "reading objects of S3 is only there where data events are switched on for the bucket",
            "an assumed role is named, not its sessions: extra.session has those",
        ),
        complete="--complete aws-cloudtrail/ACCOUNT, for a trail of all regions that leaves nothing of KMS out.",
    ),
)

"""A month of a tenant's mail access and sign-ins as evidence, made in the engine by a seed; with the intruder of 2023.

People at the office, at home, on journeys, through a VPN whose exits change, with new telephones and homes; joiners;
long tails of applications, some of which read from clouds of their own; an application that is rolled out from such a
cloud; delegates, services, lost sign-ins. No record has an id. The intruder reads as Exchange Online, as the owner.
"""

from __future__ import annotations

from datetime import date

import duckdb

START, DAYS = date(2024, 6, 3), 30  # a Monday
FIRST_DAY = 21  # of the intruder, from 0: a Monday
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"

# `chance(x, n)` is a number below 1,000 that the seed, x and n give.
_MACROS = (
    "CREATE MACRO chance(x, n) AS hash(getvariable('seed'), x, n) % 1000",
    "CREATE MACRO guid(x) AS substr(md5(x), 1, 8) || '-' || substr(md5(x), 9, 4) || '-4000-8000-'"
    " || substr(md5(x), 13, 12)",
    "CREATE MACRO net(kind, n) AS kind || '.' || (n // 250 % 250) || '.' || (n % 250) || '.7'",
)
_PEOPLE = """CREATE TABLE people AS SELECT n, 'p' || n || '@fabrikam.com' AS upn, guid('box' || n) AS box,
    hash(n) % 8 AS office, CASE WHEN n >= $people - $people // 50 THEN 14 + n % 5 ELSE 0 END AS begins,
    CASE WHEN chance(n, 'moves') < 300 THEN hash(n, 'move') % 30 ELSE 99 END AS moves,
    CASE WHEN chance(n, 'travels') < 300 THEN hash(n, 'travel') % 28 ELSE 99 END AS travels
FROM range($people) t(n)"""
_AT_WORK = """CREATE TABLE at_work AS SELECT p.*, d,
    CASE WHEN d BETWEEN travels AND travels + 2 THEN net('31', 7 * n) ELSE NULL END AS hotel,
    net(CASE WHEN d >= moves THEN '33' ELSE '32' END, 3 * n) AS home,
    CASE WHEN hash(n, d, 'vpn') % 5 = 0 THEN net('40', (CASE WHEN d < 16 THEN 0 ELSE 4 END) + hash(n, d) % 4)
        ELSE net('41', office::BIGINT) END AS desk,
    CASE WHEN hash(n, d, 'phone') % 2 = 0 THEN net('42', (hash(n, d, 'carrier') % 60000)::BIGINT) END AS carrier
FROM people p, range($days) t(d)
WHERE d >= begins AND chance(n, 'works' || d) < CASE WHEN d % 7 IN (5, 6) THEN 80 ELSE 930 END"""
# Which applications a person has beside the ordinary three, from which day on, and from where they read: at the
# person's, or in a cloud of the application's own.
_TAIL = """CREATE TABLE tail AS
SELECT n, 'tail' || (hash(n, 'app') % greatest($people // 25, 4)) AS app, chance(n, 'late') AS late,
    CASE WHEN chance(n, 'late') < 250 THEN hash(n, 'from') % 30 ELSE 0 END AS since,
    hash(n, 'app') % greatest($people // 25, 4) % 4 = 0 AS cloud, chance(n, 'unlogged') < 5 AS unlogged
FROM people WHERE chance(n, 'tail') < 120
UNION ALL SELECT n, 'rollout', 0, 9 + hash(n, 'wave') % 10, true, false FROM people WHERE chance(n, 'rollout') < 300
UNION ALL SELECT n, 'native' || n % 2, 0, moves, false, false FROM people WHERE moves < 99 AND chance(n, 'native') < 100
UNION ALL SELECT n, 'ticket' || n % 3, 0, 0, true, true FROM people WHERE n % ($people // 12) = 1"""
_MAIL = """CREATE TABLE mail AS
SELECT n, d, upn, box, 'd3590ed6-52b3-4102-aeff-aad2292ab01c' AS app, coalesce(hotel, desk) AS net, 'owner' AS acting,
    upn AS person FROM at_work WHERE chance(n, 'desk' || d) < 850
UNION ALL SELECT n, d, upn, box, '9199bf20-a13f-4107-85dc-02114787ef48', coalesce(hotel, home), 'owner', upn
    FROM at_work WHERE chance(n, 'web' || d) < 500
UNION ALL SELECT n, d, upn, box, '27922004-5251-4030-b22d-91ecd9a37ea4', coalesce(hotel, carrier, home), 'owner', upn
    FROM at_work WHERE chance(n, 'mobile' || d) < 800
UNION ALL SELECT w.n, d, upn, box, guid(app), CASE WHEN cloud THEN net('50', (hash(app) % 60000)::BIGINT)
        ELSE coalesce(hotel, home) END, CASE WHEN app LIKE 'ticket%' THEN 'application' ELSE 'owner' END, upn
    FROM at_work w JOIN tail USING (n) WHERE d >= since AND chance(w.n, app || d) < 500
UNION ALL SELECT w.n, d, o.upn, o.box, 'd3590ed6-52b3-4102-aeff-aad2292ab01c', coalesce(hotel, desk), 'delegate', w.upn
    FROM at_work w JOIN people o ON o.n = (w.n * 7 + 3) % $people WHERE w.n % 20 = 0 AND chance(w.n, 'other' || d) < 600
UNION ALL SELECT n, d, upn, box, guid('archive'), net('51', 1), 'application', upn
    FROM people, range($days) t(d) WHERE chance(n, 'archive' || d) < 200
UNION ALL SELECT n, d, upn, box, CASE WHEN n % 2 = 0 THEN $exchange ELSE '00000003-0000-0ff1-ce00-000000000000' END,
    net('52', (hash(n, d, 'service') % 900)::BIGINT), 'service', upn
    FROM people, range($days) t(d) WHERE chance(n, 'service' || d) < 300
UNION ALL SELECT n, d, upn, box, $exchange, net('60', (hash(n, d, 'proxy') % 15)::BIGINT), 'owner', upn
    FROM people, range($days) t(d) WHERE n BETWEEN 7 AND 26 AND d >= $intruder AND d % 7 < 5"""
# Sign-ins are where the person is; of the ordinary three a fiftieth are lost, of the others as many.
_SIGN_INS = """CREATE TABLE sign_ins AS
SELECT d, app, person, net FROM mail WHERE acting IN ('owner', 'delegate') AND app <> $exchange AND net < '50'
    AND chance(n, app || d || 'lost') >= 20
UNION ALL SELECT d, mail.app, upn, net FROM mail JOIN tail t USING (n)
    WHERE mail.app = guid(t.app) AND cloud AND NOT unlogged AND chance(n, mail.app || d || 'lost') >= 20
UNION ALL SELECT d, guid(app), app, net('50', (hash(app) % 60000)::BIGINT) FROM tail, range($days) t(d)
    WHERE app LIKE 'ticket%'
UNION ALL SELECT d, guid('archive'), 'archive', net('51', 1) FROM range($days) t(d)"""
_EVIDENCE = """CREATE TABLE month AS
SELECT d, 'acceptance' AS leg, $start::TIMESTAMP + to_days(d::INTEGER) + to_minutes((hash(n, d, app) % 1380)::INTEGER)
    AS event_time, 'success' AS outcome, app AS client_id, person AS subject_name, net AS ip, 'mailbox' AS object_kind,
    box AS object_id, upn AS object_parent, CASE WHEN acting = 'delegate' THEN acting ELSE 'owner' END AS logon_type,
    CASE WHEN acting IN ('service', 'application') THEN acting END AS token_class, 'MailItemsAccessed' AS operation,
    'fabrikam' AS resource_tenant, NULL::VARCHAR AS resource
FROM mail
UNION ALL SELECT d, 'issuance', $start::TIMESTAMP + to_days(d::INTEGER), 'success', app, person, net, NULL, NULL, NULL,
    NULL, NULL, 'sign-in', 'fabrikam', NULL FROM sign_ins"""


def month(people: int, intruder: int, seed: int) -> duckdb.DuckDBPyConnection:
    """Return a connection with the table `month`: evidence, and the day `d` of each record."""
    con = duckdb.connect()
    con.execute(f"SET VARIABLE seed = {int(seed)}")
    given = {"people": people, "days": DAYS, "exchange": EXCHANGE, "intruder": intruder, "start": START.isoformat()}
    for query in (*_MACROS, _PEOPLE, _AT_WORK, _TAIL, _MAIL, _SIGN_INS, _EVIDENCE):
        con.execute(query, {name: value for name, value in given.items() if f"${name}" in query})
    return con

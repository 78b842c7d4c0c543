"""Who reaches mailboxes through what, held against others and against earlier: the rarest first, without allow-lists.

A row of the answer is an application that does one operation on a tenant's mailboxes in one way: as their owner, as a
delegate, as itself. What a quarter of the mailboxes have is ordinary. Of the rest each mailbox is a cell, which is held
against its peers (how many have that row), against its own earlier time (is the row new to it), against where its
person is otherwise (sign-ins; without any, the ordinary applications on the same mailbox), and against sign-ins through
that application for that resource. What holds for the cells of a row weighs as many bits as it would surprise among the
cells of all other rare rows, where sign-ins are lost and telephones are new, too: so nobody's first day matters, and an
intruder who was there from the beginning is no less rare for that.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.shape import Keeper, Shape
from counterfoil.model.schema import TokenClass

ROW = ("tenant", "client", "acting", "operation")
USES = Shape("baseline_uses", "a row, a mailbox, who used it and from which network", (
    *ROW, "mailbox", "name", "peers", "person", "resource", "network", "first", "last", "records",
))
SIGNED = Shape("baseline_signed", "an application, a person, a resource and a network of sign-ins", (
    "client", "person", "resource", "network",
))

DAY = 86_400
# What one mailbox in so many has is ordinary.
ORDINARY = 4
# Of a group of persons with fewer mailboxes than this, nothing is usual: they are held against the tenant.
MIN_PEERS = 20
# A row is a suspicion if what is odd about it comes about by chance, among all rare rows of the tenant, once in eight
# such tenants: so many bits more than to name one of them.
TOLD_BITS = 3.0
MAX_NAMED = 20
# Who acts as itself signs in where it stands; of a provider's own services no log tells.
ITSELF = tuple(sorted(map(str, (TokenClass.APPLICATION, TokenClass.MANAGED_IDENTITY))))
_UNTOLD = str(TokenClass.SERVICE)
_TRAITS = ("foreign", "unsigned", "strange")
_TINY = 1e-12  # no logarithm of zero


def rare(engine: Keeper, uses: ir.Table, signed: ir.Table, days: int) -> ir.Table:
    """Return every row with its bits; of USES and SIGNED, kept tables.

    `days`: so long must a mailbox be in evidence before a row can be new to it. Columns: those of ROW; mailboxes, and
    `of` how many; for how many of them it is `foreign` (used from networks where its person is not otherwise),
    `unsigned` (no sign-in through it), `strange` (both), `fresh` (new to the mailbox), or `early` (there in the first
    days: whether it was new cannot be told); `ordinary`; first, last (seconds since 1970), records, networks; `rarity`
    and `bits`, of which it is a part; `told`; `names` of the oddest mailboxes, MAX_NAMED at most.
    """
    boxes = engine.keep("baseline_boxes", uses.group_by("tenant", "mailbox").agg(
        begin=uses["first"].min(), peers=uses.peers.min(),
    ))
    sizes = boxes.group_by("tenant").agg(of=boxes.count())
    spread = uses.group_by(*ROW).agg(mailboxes=uses.mailbox.nunique(), networks=uses.network.nunique())
    spread = spread.join(sizes, "tenant")
    rows = engine.keep("baseline_rows", spread.mutate(ordinary=spread.mailboxes * ORDINARY >= spread.of))
    cells = engine.keep("baseline_cells", _cells(uses, signed, rows, boxes, days))
    counted = engine.keep("baseline_counted", _counted(cells))
    return _ranked(cells, counted, rows)


def _cells(uses: ir.Table, signed: ir.Table, rows: ir.Table, boxes: ir.Table, days: int) -> ir.Table:
    """Return a row for each row of the answer and each of its mailboxes, with what holds for it."""
    ordinary = uses.semi_join(rows.filter(rows.ordinary), ROW)
    places = ordinary.filter(ordinary.network.notnull()).group_by("tenant", "mailbox", "network").agg(
        clients=ordinary.client.nunique(), one=ordinary.client.min(),
    )
    homes = _yes(signed.filter(signed.network.notnull()).select("person", "network"), "home")
    pairs = _yes(signed.select("client", "person", "resource"), "exact")
    bare = _yes(signed.filter(signed.resource == "").select("client", "person"), "bare")
    through = _yes(signed.select("client", "person"), "pair")
    whose = _yes(signed.select("person"), "theirs")
    known = _yes(signed.select("client"), "heard")
    stands = _yes(signed.filter(signed.network.notnull()).select("client", "network"), "there")
    used = uses.left_join(places, ["tenant", "mailbox", "network"], rname="{name}_p")
    used = used.left_join(homes, ["person", "network"], rname="{name}_h")
    used = used.left_join(pairs, ["client", "person", "resource"], rname="{name}_e")
    used = used.left_join(bare, ["client", "person"], rname="{name}_b").left_join(whose, "person", rname="{name}_w")
    used = used.left_join(through, ["client", "person"], rname="{name}_s").left_join(known, "client", rname="{name}_k")
    used = used.left_join(stands, ["client", "network"], rname="{name}_t")
    # an intruder may read through an ordinary application, too: it tells where people are only if no sign-in does
    beside = used.theirs.isnull() & ((used.clients > 1) | (used.one != used.client)).fill_null(False)
    pair = used.exact.notnull() | used.bare.notnull() | ((used.resource == "") & used.pair.notnull())
    itself, untold = used.acting.isin(ITSELF), used.acting == _UNTOLD
    used = used.mutate(
        at_home=used.network.isnull() | untold
        | ibis.ifelse(itself, used.there.notnull(), beside | used.home.notnull()),
        signed_in=untold | ibis.ifelse(itself, used.heard.notnull(), pair),
    )
    cells = used.group_by(*ROW, "mailbox").agg(
        name=used.name.min(), first=used["first"].min(), last=used["last"].max(), records=used.records.sum(),
        foreign=~used.at_home.any(), unsigned=~used.signed_in.any(),
    )
    cells = cells.join(boxes, ["tenant", "mailbox"]).join(rows.select(*ROW, "of", "ordinary"), ROW)
    long = cells["first"] - cells.begin >= days * DAY
    return cells.mutate(fresh=long, early=~long, strange=cells.foreign & cells.unsigned).drop("begin")


def _counted(cells: ir.Table) -> ir.Table:
    """Return for each row for how many cells each trait holds, and how that surprises beside all other rare rows."""
    traits = (*_TRAITS, "fresh")
    own = cells.group_by(*ROW).agg(
        mailboxes=cells.count(), early=cells.early.cast("int64").sum(), first=cells["first"].min(),
        last=cells["last"].max(), records=cells.records.sum(),
        **{name: cells[name].cast("int64").sum() for name in traits},
    )
    rest = cells.filter(~cells.ordinary)
    every = rest.group_by("tenant").agg(
        all_cells=rest.count(), **{f"all_{name}": rest[name].cast("int64").sum() for name in traits},
    )
    whole = own.left_join(every, "tenant").drop("tenant_right")
    others = ibis.greatest(whole.all_cells - whole.mailboxes, 0)  # what is ordinary is not among them
    usual = {name: (ibis.greatest(whole[f"all_{name}"] - whole[name], 0) + 1) / (others + 2) for name in traits}
    many = [_surprise(whole[name], whole.mailboxes, usual[name]) for name in _TRAITS]
    # what is rolled out is new to many at once: that is one event, however many they are
    fresh = -usual["fresh"].log2() * whole.fresh / whole.mailboxes
    return whole.mutate(odd_bits=ibis.greatest(*many) + fresh)


def _surprise(some: ir.Value, of: ir.Value, usual: ir.Value) -> ir.Value:
    """Return how many bits it surprises that so many of so many are, if each is with the chance `usual` (Chernoff)."""
    share = some / of
    rest = ibis.greatest(1 - share, _TINY)
    bits = of * (share * (ibis.greatest(share, _TINY) / usual).log2() + rest * (rest / (1 - usual)).log2())
    return ibis.ifelse(share > usual, bits, 0.0)


def _ranked(cells: ir.Table, counted: ir.Table, rows: ir.Table) -> ir.Table:
    """Return the rows with how rare each is among the peers of the mailbox where it is rarest."""
    each = cells.filter(~cells.ordinary)
    groups = cells.group_by("tenant", "peers").agg(group_size=cells.mailbox.nunique())
    having = each.group_by(*ROW, "peers").agg(group_having=each.count())
    each = each.join(groups, ["tenant", "peers"]).join(having, [*ROW, "peers"]).join(
        rows.select(*ROW, "mailboxes"), ROW)
    small = each.group_size < MIN_PEERS
    rarity = ibis.ifelse(small, each.of / each.mailboxes, each.group_size / each.group_having).log2()
    place = ibis.row_number().over(
        group_by=[each[name] for name in ROW],
        order_by=[each.strange.desc(), each.foreign.desc(), each.unsigned.desc(), each.fresh.desc(), each["first"],
                  each.mailbox],
    )
    each = each.mutate(rarity=rarity, place=place)
    named = each.group_by(*ROW).agg(
        rarity=each.rarity.max(), names=each.name.collect(where=each.place < MAX_NAMED, order_by=each.place),
    )
    rare_rows = rows.group_by("tenant").agg(rare_rows=(~rows.ordinary).cast("int64").sum())
    found = counted.join(rows.select(*ROW, "of", "networks", "ordinary"), ROW).left_join(named, ROW, rname="{name}_n")
    found = found.join(rare_rows, "tenant")
    rarity, odd = found.rarity.fill_null(0.0), ibis.ifelse(found.ordinary, 0.0, found.odd_bits)
    return found.select(
        *ROW, "mailboxes", "of", "ordinary", *_TRAITS, "fresh", "early", "first", "last", "records", "networks",
        "names", rarity=rarity.round(1), bits=(rarity + odd).round(1),
        told=~found.ordinary & (odd >= ibis.greatest(found.rare_rows, 1).log2() + TOLD_BITS),
    )


def _yes(table: ir.Table, name: str) -> ir.Table:
    return table.distinct().mutate(**{name: ibis.literal(True)})

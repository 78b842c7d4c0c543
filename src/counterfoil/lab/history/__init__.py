"""History: seeded tenants of any size, their logs in the vendors' shapes, planted intrusions, and the truth apart.

`scenarios` has ready settings; `Scenario.write` writes them; `compare` holds verdicts against the truth.
"""

from counterfoil.lab.history.compare import Comparison, TruthRow, VerdictRow, compare, read_truth
from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.ids import uti_padded
from counterfoil.lab.history.intrusions import CopiedId, GoldenSaml, Intrusion, Spray, Storm0558
from counterfoil.lab.history.losses import ClientLoss, IntervalLoss, Loss, RandomLoss, RecordLoss
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.model.ids import uti

__all__ = [
    "ClientLoss",
    "Comparison",
    "CopiedId",
    "GoldenSaml",
    "IntervalLoss",
    "Intrusion",
    "Loss",
    "RandomLoss",
    "RecordLoss",
    "Scenario",
    "Spray",
    "Storm0558",
    "Tenant",
    "TruthRow",
    "VerdictRow",
    "Written",
    "compare",
    "read_truth",
    "uti",
    "uti_padded",
    "write_estate",
]

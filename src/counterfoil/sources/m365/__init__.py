"""What Microsoft 365 services let in: the Unified Audit Log, in each wrapper."""

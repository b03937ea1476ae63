"""An engine that is watched, and what watches it."""

from gatepass.jwks.clock import Clock
from gatepass.plugin.alerts.rules import AlertRules
from gatepass.plugin.alerts.store import AlertStore
from gatepass.plugin.alerts.watch import AlertWatch
from gatepass.plugin.alerts.watched import WatchedBudgets
from gatepass.plugin.alerts.webhook import Webhook
from gatepass.plugin.budgets.engine import BudgetEngine
from gatepass.plugin.directory.database import Database


def watched(
    engine: BudgetEngine, database: Database, rules: AlertRules, clock: Clock
) -> tuple[BudgetEngine, AlertWatch]:
    """Return the engine with its calls noted, and what has to run beside it and be closed."""
    webhook = Webhook(rules.url, rules.secret)
    watch = AlertWatch(AlertStore(database), webhook, rules.percentages, clock)
    return WatchedBudgets(engine, watch), watch

"""Whether the Redis of the settings may count budgets, for `gatepass check`.

It must let our scripts run, write everything to its file (`appendonly yes`), throw nothing away
when its memory is short, be no replica, and agree with this machine on what time it is, because
windows and deadlines go by the clocks of the machines that count.
"""

import time

from gatepass.plugin.budgets.redis.link import RedisLink
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.redis_place import RedisPlace
from gatepass.plugin.settings.redis_url import server_name

_PATIENCE_SECONDS = 3.0
_CLOCKS_APART_SECONDS = 2.0
_LET_US = (
    "let the account use EVAL, EVALSHA, SCRIPT LOAD, INFO, TIME, GET, MGET, MSET, UNLINK, XADD and "
    "the commands of lists and sorted sets on the keys of the deployment"
)
_APPEND = "set appendonly yes there; with appendfsync always also a power failure loses nothing"
_KEEP = "set maxmemory-policy noeviction there, or give budgets a server of their own"
_PRIMARY = "name the primary under stores.redis"
_SYNCHRONIZE = "let NTP keep both clocks"


async def counting_findings(place: RedisPlace) -> list[Finding]:
    """Say whether budgets can be counted there, and what would be lost."""
    subject = f"budgets in {server_name(place.url)}"
    link = RedisLink(place.url, _PATIENCE_SECONDS)
    try:
        await link.open()
        before = time.time()
        facts = _facts(await link.ask("INFO"))
        moment = await link.ask("TIME")
        middle = (before + time.time()) / 2
    except StoreUnavailable:
        found = "they cannot be counted there: it does not answer, or refuses our scripts"
        return [Finding(subject, ok=False, found=found, advice=_LET_US)]
    finally:
        await link.close()
    problems = list(_problems(facts))
    if isinstance(moment, list) and isinstance(moment[0], bytes):
        apart = abs(int(moment[0]) - middle)
        if apart > _CLOCKS_APART_SECONDS:
            problems.append((f"its clock and this one are {apart:.0f} s apart", _SYNCHRONIZE))
    if not problems:
        return [Finding(subject, ok=True, found="counted there, and kept when it stops")]
    return [Finding(subject, ok=False, found=found, advice=advice) for found, advice in problems]


def _problems(facts: dict[str, str]) -> list[tuple[str, str]]:
    problems = []
    if facts.get("aof_enabled") != "1":
        problems.append(("it forgets what was spent when it stops: appendonly is no", _APPEND))
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and facts.get("maxmemory", "0") != "0":
        problems.append((f"it throws counters away when memory is short: {policy}", _KEEP))
    if facts.get("role") == "slave":
        problems.append(("it is a replica, which counts nothing", _PRIMARY))
    return problems


def _facts(info: object) -> dict[str, str]:
    text = info.decode(errors="replace") if isinstance(info, bytes) else ""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

"""Mutated conversations of APISIX's: no crash, no allow, nothing left behind (10^6 in a long run)."""

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import pytest

from gatepass.plugin.gateways.apisix.calls import Calls
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import read_http_req_call
from gatepass.plugin.gateways.apisix.tokens import ConfTokens
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.messages import RequestCall, encode
from support.apisix_calls import DOOR, TARGET, Line, call, extra, lets_through, new_calls, prepare
from support.doors import PASS, ScriptedDecider
from support.kong_events import Books, WantsBody
from support.memory import resident_bytes
from support.soak import examples

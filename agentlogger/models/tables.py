"""All tables in one place, for whoever needs the whole schema: the factory and the migrations."""

from __future__ import annotations

from agentlogger.models.alerts import AlertCount, AlertDelivery, AlertRule, AlertState
from agentlogger.models.arrivals import Arrival
from agentlogger.models.calls import ModelCall, ModelCallKey
from agentlogger.models.digests import RequestDigest
from agentlogger.models.identities import FormerIdentity, RecordIdentity
from agentlogger.models.ingest import IngestFinding
from agentlogger.models.keys import ApiKey
from agentlogger.models.leases import Lease
from agentlogger.models.logs import LogRecord
from agentlogger.models.projects import Project
from agentlogger.models.receipts import Receipt
from agentlogger.models.searches import SavedSearch
from agentlogger.models.senders import Sender
from agentlogger.models.sightings import Sighting
from agentlogger.models.texts import TextIndex, TextProject, TextSegment, TextSlice, TextWindow
from agentlogger.models.users import LoginFailure, User

TABLES = (
    User,
    LoginFailure,
    Project,
    ApiKey,
    LogRecord,
    RecordIdentity,
    FormerIdentity,
    RequestDigest,
    Receipt,
    Arrival,
    ModelCall,
    ModelCallKey,
    IngestFinding,
    SavedSearch,
    Sighting,
    Lease,
    Sender,
    AlertRule,
    AlertState,
    AlertCount,
    AlertDelivery,
    TextIndex,
    TextProject,
    TextWindow,
    TextSegment,
    TextSlice,
)

HOT = (
    LogRecord,
    RecordIdentity,
    FormerIdentity,
    RequestDigest,
    Receipt,
    Arrival,
    ModelCall,
    ModelCallKey,
)
"""What every request of an agent writes to: the largest, and never to be locked for long."""

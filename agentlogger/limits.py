"""Every number a client can run into, each with its reason.

`docs/reference.md` lists them, and a test compares the two.
"""

from __future__ import annotations

BODY_WIRE_BYTES = 64 * 1024 * 1024
"""The most bytes of a body as sent: the limit OTLP/HTTP recommends (specification 1.11.0)."""

BODY_PLAIN_BYTES = 64 * 1024 * 1024
"""The most bytes of a body after inflating: the same limit must hold there, else 200 kB of gzip
become 200 MB of memory."""

BODY_PIECE_BYTES = 64 * 1024
"""A body is read and inflated in pieces of this size, so that memory follows the limit."""

DRAIN_BYTES = 64 * 1024 * 1024
"""How much of a refused body is still read and thrown away, so that a client in the middle of
sending gets to see the answer instead of a broken connection."""

BODY_SECONDS = 60
"""How long a body may be waited for in all, where AGENTLOGGER_BODY_SECONDS says nothing else. SDKs
give up after 10 s, and a body of the largest size comes in time at 9 megabits a second."""

BODY_GRACE_SECONDS = 10
"""How long any body may be waited for, however little comes: as long as an SDK waits itself."""

BODY_BYTES_A_SECOND = 16 * 1024
"""How much must come in a second beyond that: a telephone on the edge of its network sends as much,
and who sends less has another reason. A thread would otherwise be held at a byte a minute."""

RECORDS = 100_000
"""Records in one request at most. An empty one is two bytes of a body and a kilobyte of memory, so
that a body within the limits could otherwise take 30 GB. SDKs send 512, and 100,000 take about the
ten seconds after which they give up."""

VALUES = 2_000_000
"""Values in one request at most, so far as its bytes tell. 8 MiB of the smallest ones were measured
while they were read, and 64 MiB of them would take about 5 GB at that rate (extrapolated, not
measured); so many take about half a gigabyte, and 64 MiB of a coding agent's records hold half as
many."""

LENGTH = 100_000
"""Elements of one list or map at most: as many as there may be records."""

ATTRIBUTES_READ = 10_000
"""Attributes of one record that are looked at: behind them even a repeated name is cut."""

DEPTH = 64
"""Levels of lists and maps kept in a value; what lies deeper is cut and marked. Real payloads stay
under 12, and PostgreSQL, SQLite and JSON readers all go well past 64."""

ATTRIBUTES = 1_000
"""Attributes kept on a record, a resource or a scope; the rest is cut and marked. The largest
recorded emitter sends 71."""

TEXT_COLUMN_CHARACTERS = 512
"""Characters of a canonical column, such as the session. PostgreSQL refuses an index entry over
2,704 bytes, and a character takes up to four. The attributes keep the whole text."""

ERROR_MESSAGE_CHARACTERS = 2_000
"""Characters of the `error_message` column, which is not indexed. The attributes keep the whole."""

TIME_MIN_NS = 1
"""1970-01-01, in nanoseconds. Zero means unknown in OTLP."""

TIME_MAX_NS = 2**63 - 1
"""2262-04-11T23:47:16.854775807Z, the last nanosecond of a signed 64-bit integer."""

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1
"""Integers beyond 64 bits become text: neither database nor OTLP can hold them."""

REASONS = 20
"""Reasons spelled out in one answer; further refusals are counted only. OTLP asks for answers
under 4 MiB."""

REASON_CHARACTERS = 200
"""Characters of a client's own text repeated in a reason."""

INGEST_BYTES = 512 * 1024 * 1024
"""Memory that the requests of a worker may hold together, bodies and what is made of them. One
request may have more when it is alone: the largest body that is taken needs about as much."""

DECODED_FACTOR = 10
"""How many times the memory of its body a request takes while it is read, written and stored: six
in protobuf and ten in JSON, for records with 18 short attributes (measured); long texts less."""

INGEST_WAIT_SECONDS = 3
"""How long a request waits for its turn before it is told to come again. With the four seconds for
a lock behind it, the answer comes before an OTLP client gives up after ten."""

SHED_BYTES = 1024 * 1024
"""How much of a body is thrown away for a request that was told to come again: more would hold the
thread that others wait for."""

RATE_BURST_SECONDS = 10
"""For so long what a rate allows may be saved up: agents send in bursts."""

READING_THREADS = 8
"""Threads of a worker that requests to send never have: the page and the API answer meanwhile."""

FINDINGS_KEPT = 100
"""Findings of each kind that the ingest ledger keeps of a key, the newest: enough to see what a
client does wrong, and a client that errs in a new way each time fills no disk."""

FINDINGS_PENDING = 1_000
"""Different findings that a worker keeps until they are written, within a second."""

FINDINGS_PENDING_PROJECT = 200
"""The same of one project, so that a noisy one leaves room for others."""

FINDING_CHARACTERS = 200
"""Characters of a client's own text that a finding keeps: to recognise it, and no prompt whole."""

PAGE_RECORDS = 100
"""Records on a page of the API where the request names no number."""

PAGE_RECORDS_MAX = 1_000
"""Records on one page of the API at most."""

EXPORTS = 4
"""Streams of lists that a worker writes at once. Each has a thread for as long as its client takes,
and half of those that only read are left for the page and the API."""

EXPORT_STALL_SECONDS = 60
"""How long a client of a stream may read nothing before its connection is closed: it holds a thread
that others wait for. It goes on from where its last whole line was."""

LARGE_CHARACTERS = 8_192
"""A longer body is cut in a list, so that a page of the most records has 8 MB of bodies at most;
prompts and results of tools are mostly shorter, and nobody has to ask for each of them alone."""

PREVIEW_CHARACTERS = 2_000
"""So much of a longer body stands in a list: enough to see what it is."""

NEIGHBOURS = 20
"""Records before and after one where the request names no number: about a screen."""

RUN_RECORDS = 2_000
"""Records of a session or trace that are told at once where the request names no number: a turn of
a coding agent has some tens."""

RUN_RECORDS_MAX = 5_000
"""The most of them. They are read without their attributes, and take about a quarter of a second
and 30 MB."""

GROUPS_STREAMED = 10_000
"""Groups that a stream of numbers has at most: all of them are summed at once and held as rows,
which comes to some twenty megabytes."""

SESSIONS = 20
"""Sessions on a page of the API where the request names no number."""

SESSIONS_MAX = 100
"""The most of them: the records of each are counted."""

SESSION_COUNTED = 5_000
"""Records of a session that are counted in a list, the newest: twenty such sessions take a tenth of
a second. One with more says so."""

SESSIONS_WALKED = 200_000
"""Records that one page looks through for sessions, the newest first. A page that finds fewer than
it may hold within so many is short, and its cursor goes on behind them."""

RUN_COUNTED = 100_000
"""Records behind these that are counted: more are said to be more."""

RUN_TRACES = 100
"""Traces of a session of which records are read that name no session themselves."""

SCREEN_RECORDS = 50
"""Records on one screen of the page."""

TAIL_SECONDS = 10 * 60
"""How long a tail stays open at most: its client reads on where it was, and a key that was revoked,
or a server that is to be replaced, is not held on to."""

TAIL_HEARTBEAT_SECONDS = 15
"""How often a tail says something where there is nothing to say: proxies close what is silent for
half a minute or more."""

TAIL_BYTES = 512 * 1024
"""Bytes of records that wait to be sent to one tail. No more is read for it until there is room, so
one reading at most comes to it."""

TAIL_RECORDS = 500
"""Records that are read for tails at once, of which each may have a body of 8,192 characters."""

TAIL_BEHIND_SECONDS = 30
"""How long a client that is too slow is read for where it is; then it goes on at now, and is told
how many records are between. Who follows wants to see what happens, and can have the rest."""

TAIL_LATE_SECONDS = 10
"""How long a tail whose client keeps up may be behind because more is stored than is read for
tails; then it goes on at now as well. A burst is over by then, and a load that lasts is not."""

TAIL_STALL_SECONDS = 60
"""A client that takes nothing for so long is let go of: it holds a thread."""

TAIL_BYTES_A_SECOND = 8 * 1024 * 1024
"""What a worker sends to all tails together in a second: sending more would take the processor from
those who send. A tail gets less when many show much, and comes behind rather than them."""

QUERY_CHARACTERS = 2_000
"""Characters of a query: with the rest of a GET it fits into the 4,094 bytes of a request's first
line that gunicorn reads, so long as most of them need no escape."""

QUERY_TERMS = 50
"""Words and keys of a query, the members of sets among them. Each is looked for in every record of
the time that is asked for, and a word in all its texts."""

QUERY_DEPTH = 30
"""Levels that a query nests. SQLite takes expressions of 1,000 levels, and people write three."""

COUNT_SECONDS = 5
"""How long the database may count for one answer. It takes a thread and a processor meanwhile, and
who looks at a chart waits no longer; what was counted by then is given, where that is of use."""

BUCKETS = 120
"""Buckets of a histogram where the request names no number: each is some pixels of a screen."""

BUCKETS_MAX = 1_000
"""The most of them: more are narrower than a pixel."""

FACET_RECORDS = 20_000
"""Records whose values are counted at most, the newest: reading them takes less than a tenth
of a second, and a day of many projects has fewer."""

FACET_KEYS = 12
"""Keys whose values are counted in one answer: each takes a pass over these records."""

FACET_VALUES = 10
"""Values of each key that are given where the request names no number: they fit beside a list."""

FACET_VALUES_MAX = 100
"""The most of them."""

SIGHTINGS_KEPT = 2_000
"""Kinds of records of a project that the schema watch keeps, a row each: Codex has some three
hundred, most others a tenth of that."""

SIGHTINGS_FORGOTTEN_DAYS = 90
"""A kind that nobody has sent for so long makes room for a new one, where there is none."""

SIGHTING_NAMES_CHARACTERS = 8_192
"""Characters of the names of attributes that one of them keeps: 16 MB a project at worst."""

SIGHTINGS_PENDING = 1_000
"""Kinds that a worker keeps until they are written, the new ones within a second: a client that
sends a new one each time takes 60 MB of it at worst."""

SIGHTINGS_EVERY_SECONDS = 60
"""How often what is known already is written again, with its count."""

SAVED_SEARCHES = 500
"""Saved searches of a project: nobody reads a longer list, and it is one answer of the API."""

SEARCH_NAME_CHARACTERS = 100
"""The longest name of one: a title on a line."""

ALERTS = 100
"""Alerts of a project: each is evaluated every ten seconds, in some milliseconds."""

ALERT_WINDOW_SECONDS_MIN = 60
"""The shortest time that an alert looks back: an agent's SDK sends every five to thirty seconds."""

ALERT_COUNT_WINDOW_SECONDS_MAX = 24 * 60 * 60
"""The longest time over which records are counted: steps of a thirtieth are kept for each."""

ALERT_WINDOW_SECONDS_MAX = 31 * 24 * 60 * 60
"""The longest time of a budget or of silence, a month."""

ALERT_URL_CHARACTERS = 2_000
"""The longest address of a webhook: more than most servers read."""

ALERT_SUBJECTS = 100
"""Sessions, users or keys of one alert that fire at once, those with the highest values: nobody
reads more of them, and each is a delivery."""

ALERT_COUNTS = 20_000
"""Steps of time with records, over all subjects, that are kept of one alert: some megabytes. What
finds no room is not counted, and the alert says so."""

ALERT_SUBJECT_CHARACTERS = 200
"""Characters of a subject: of a longer name its beginning, and a digest in the place of the
rest."""

ALERT_DELIVERIES = 1_000
"""Deliveries of a project that are kept, sent or not: the oldest go first."""

WEBHOOK_SECONDS = 10
"""How long one try of a delivery may take in all: a receiver takes it and works later."""

WEBHOOK_ATTEMPTS = 9
"""Tries of one delivery, over about a day: a receiver that is down for a night is told."""

NAME_CHARACTERS = 100
"""The longest name of a project or a key, as the columns have it."""

KEY_DAYS_MAX = 3_650
"""The latest end of a key that is made on the page, ten years ahead; one may also have no end."""

RETRY_AFTER_SECONDS = 2
"""What a client is told to wait when the database is away. SDKs give up after 10 s in total, and
a locked SQLite file or a restarting PostgreSQL is back within a few."""

FORM_BYTES = 64 * 1024
"""The most bytes of a form that a browser sends: the longest has a query of 2,000 characters."""

LOGIN_FAILURES = 5
"""Failed sign-ins for one account from one address before it has to wait."""

LOGIN_FAILURES_ADDRESS = 30
"""Failed sign-ins from one address over all accounts before it has to wait."""

LOGIN_WINDOW_SECONDS = 15 * 60
"""How long failed sign-ins count."""

PASSWORD_CHARACTERS_MIN = 10
"""The shortest password an account may have."""

PASSWORD_CHARACTERS_MAX = 1_024
"""The longest one: argon2 takes any length, an attacker's patience with our memory does not."""

COUNT_MAX = 10**12
"""The most tokens, or millionths of a dollar, of one call: a larger count is none. No call comes
near, and the sum of nine million such calls still fits into 64 bits."""

CALLS_ALIKE = 256
"""Calls that wait for reports which share no name with them, for each fingerprint: the oldest of
more wait no longer. In a session a fingerprint is seldom met twice, and an agent that says the same
a million times must not make each request compare a million calls."""

PARTITION_DAYS_BEHIND = 1
PARTITION_DAYS_AHEAD = 2
"""PostgreSQL: daily partitions are made for the days around the day of receipt only, so that the
times a client sends cannot make tables. Records of other days go to a partition that exists, else
to the partition for strays."""

REQUEST_DIGEST_SECONDS = 60 * 60
"""How long the same bytes count as a retry of the same request. SDKs give up after 10 s, and an
OpenTelemetry Collector, which keeps a queue, after five minutes unless it is told otherwise."""

IDEMPOTENCY_KEY_SECONDS = 24 * 60 * 60
"""How long an Idempotency-Key is known: who writes one may try again on the next day."""

IDEMPOTENCY_KEY_CHARACTERS = 255
"""The longest Idempotency-Key: a UUID has 36 characters."""

DIGESTS_FORGOTTEN = 1_000
"""Expired digests that one request deletes on its way at most, about three milliseconds' worth."""

ARRIVALS_KEPT_SECONDS = 24 * 60 * 60
"""How long one who followed records, or indexes them, may be away and still read on without a gap.
The keys of a day's records, 16 bytes each, are about a hundredth of the records."""

ARRIVALS_MARGIN_SECONDS = 10 * 60
"""For so much longer they are there, since the clocks of several servers differ."""

ARRIVALS_FORGOTTEN = 1_000
"""Old arrivals that one request deletes on its way at most."""

GROUP_RECORDS = 5_000
"""Records of several requests that share one commit at most. The first of them waits for the last,
and so many take about a quarter of a second."""

GROUP_BYTES = 16 * 1024 * 1024
"""Bytes of requests that share one commit at most: while they are written they are in memory three
times."""

GROUP_WAIT_SECONDS = 8
"""How long a request waits for the commit that it shares. An OTLP client gives up after 10 s in
total, and must hear the 503 before that."""

GROUP_RETRY_SECONDS = 4
"""How long after its arrival a request whose group has failed is still tried alone: that may take
four more, and the client must hear of it."""

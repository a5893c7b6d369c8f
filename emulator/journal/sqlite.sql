-- name: schema
CREATE TABLE namespaces (name TEXT PRIMARY KEY) WITHOUT ROWID;

-- How far the exchanges are projected; `epoch` counts the changes that nobody's exchange has made.
CREATE TABLE projection (exchange INTEGER NOT NULL, event INTEGER NOT NULL, epoch INTEGER NOT NULL);
INSERT INTO projection VALUES (0, 0, 0);

-- Settings and small things by kind and id: clock, faults, datafiles, their revisions, subject access requests.
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT,
    doc TEXT NOT NULL
);
CREATE UNIQUE INDEX documents_id ON documents (kind, namespace, id);

CREATE TABLE dropped (
    namespace TEXT NOT NULL,
    listing TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (namespace, listing)
) WITHOUT ROWID;

CREATE TABLE exchanges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    surface TEXT NOT NULL,
    method TEXT NOT NULL,
    status INTEGER,
    at INTEGER NOT NULL,
    counts INTEGER NOT NULL,
    head TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX exchanges_namespace ON exchanges (namespace);

CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    visitor_id TEXT,
    account_id TEXT,
    uuid TEXT,
    key TEXT,
    entity_id TEXT,
    timestamp TEXT,
    experiment_id TEXT,
    exchange INTEGER NOT NULL,
    duplicate_of INTEGER,
    doc TEXT NOT NULL
);
CREATE INDEX events_namespace ON events (namespace);
CREATE INDEX events_visitor ON events (visitor_id, namespace);
-- What a conversion is judged by: a visitor's few decisions among all that it did.
CREATE INDEX events_decisions ON events (visitor_id, namespace) WHERE kind = 'decision';
CREATE INDEX events_uuid ON events (uuid, namespace);
CREATE INDEX events_key ON events (key, namespace);
CREATE INDEX events_exchange ON events (exchange);
CREATE INDEX events_duplicate ON events (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX events_experiment ON events (experiment_id, namespace) WHERE experiment_id IS NOT NULL;

-- Every visitor once, under the id with case and spacing folded away: how a close id is found. `known` is JSON: which
-- decisions matter, and what counts of the visitor; without it all waits to be judged anew, and counts nowhere till then.
CREATE TABLE visitors (
    namespace TEXT NOT NULL,
    fold TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    known TEXT,
    PRIMARY KEY (namespace, fold, visitor_id)
) WITHOUT ROWID;
CREATE INDEX visitors_stale ON visitors (namespace) WHERE known IS NULL;

CREATE TABLE totals (namespace TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;

-- One row a reported source event, and one a conversion that no report explains. `judged` is 0 while outcome and
-- attributed wait to be computed anew; `version` counts the reports that stood here.
CREATE TABLE verdicts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    delivery_id TEXT,
    kind TEXT NOT NULL,
    message_id TEXT,
    uuid TEXT,
    visitor_id TEXT,
    user_id TEXT,
    anonymous_id TEXT,
    event_key TEXT,
    timestamp TEXT,
    sent INTEGER NOT NULL DEFAULT 0,
    waits INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    event INTEGER,
    delivery TEXT,
    judged INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    attributed TEXT
);
CREATE UNIQUE INDEX verdicts_delivery ON verdicts (delivery_id, namespace) WHERE delivery_id IS NOT NULL;
CREATE INDEX verdicts_namespace ON verdicts (namespace);
CREATE INDEX verdicts_message ON verdicts (message_id, namespace) WHERE message_id IS NOT NULL;
-- Only what was reported has these of its own; of a conversion that no report explains its event has them.
CREATE INDEX verdicts_uuid ON verdicts (uuid, namespace) WHERE uuid IS NOT NULL;
CREATE INDEX verdicts_visitor ON verdicts (visitor_id, namespace) WHERE visitor_id IS NOT NULL;
CREATE INDEX verdicts_waiting ON verdicts (uuid, namespace) WHERE event IS NULL AND waits = 1;
CREATE INDEX verdicts_event_key ON verdicts (event_key, namespace);
CREATE INDEX verdicts_event ON verdicts (event) WHERE event IS NOT NULL;
CREATE INDEX verdicts_unjudged ON verdicts (judged) WHERE judged = 0;
CREATE INDEX verdicts_outcome ON verdicts (outcome, namespace) WHERE judged = 1;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT,
    summary TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE UNIQUE INDEX runs_id ON runs (id, namespace);

-- name: namespaces
SELECT
    name,
    (SELECT COUNT(*) FROM events WHERE namespace = name) AS events,
    (SELECT COUNT(*) FROM verdicts WHERE namespace = name) AS verdicts,
    (SELECT COALESCE(SUM(total), 0) FROM dropped WHERE namespace = name) AS dropped,
    (SELECT at FROM exchanges WHERE number = (SELECT MAX(number) FROM exchanges WHERE namespace = name)) AS last_at
FROM namespaces ORDER BY name
-- name: add namespace
INSERT OR IGNORE INTO namespaces (name) VALUES (:name)
-- name: settings
SELECT kind, doc FROM documents WHERE kind IN (SELECT value FROM json_each(:kinds)) AND namespace = :namespace AND id = ''

-- name: document
SELECT doc FROM documents WHERE kind = :kind AND namespace = :namespace AND id = :id
-- name: put document
INSERT INTO documents (kind, namespace, id, doc) VALUES (:kind, :namespace, :id, :doc)
ON CONFLICT (kind, namespace, id) DO UPDATE SET doc = excluded.doc
-- name: fill document
UPDATE documents SET id = :number, doc = :doc WHERE number = :number
-- name: delete document
DELETE FROM documents WHERE kind = :kind AND namespace = :namespace AND id = :id

-- name: report
SELECT number FROM verdicts WHERE delivery_id = :delivery_id AND namespace = :namespace
-- name: last number
SELECT last_insert_rowid() AS number
-- name: unjudge uuid
UPDATE verdicts SET judged = 0 WHERE uuid = :uuid AND namespace = :namespace AND judged = 1
-- name: unjudge conversions of uuid
UPDATE verdicts SET judged = 0 WHERE judged = 1 AND event IN
    (SELECT number FROM events WHERE uuid = :uuid AND namespace = :namespace)
-- name: delete run
DELETE FROM runs WHERE id = :id AND namespace = :namespace
-- name: run
SELECT doc FROM runs WHERE id = :id AND namespace = :namespace

-- name: standing
SELECT exchange, event, epoch, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'exchanges'), 0) AS last,
    EXISTS (SELECT 1 FROM verdicts WHERE judged = 0) OR EXISTS (SELECT 1 FROM visitors WHERE known IS NULL) AS waits
FROM projection
-- name: last exchange
SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'exchanges'), 0)
-- name: first events
WITH wanted (namespace, uuid, timestamp) AS (VALUES :keys)
SELECT e.number, e.namespace, e.account_id, e.uuid, e.timestamp, e.entity_id, e.key, e.visitor_id, e.kind
FROM wanted AS w CROSS JOIN events AS e
    ON e.uuid = w.uuid AND e.namespace = w.namespace AND (w.timestamp IS NULL OR e.timestamp = w.timestamp)
WHERE e.duplicate_of IS NULL ORDER BY e.number
-- name: waiting reports
WITH wanted (uuid) AS (VALUES :keys)
SELECT v.number, v.namespace, v.uuid FROM wanted AS w CROSS JOIN verdicts AS v ON v.uuid = w.uuid
WHERE v.event IS NULL AND v.waits = 1 ORDER BY v.number
-- name: known visitors
WITH wanted (namespace, visitor_id, fold) AS (VALUES :keys)
SELECT v.namespace, v.visitor_id, v.known, e.number, e.doc
FROM wanted AS w CROSS JOIN visitors AS v
    ON v.namespace = w.namespace AND v.fold = w.fold AND v.visitor_id = w.visitor_id
    LEFT JOIN json_each(v.known, '$.decisions') AS d LEFT JOIN events AS e ON e.number = d.value
-- name: events of
WITH wanted (namespace, visitor_id) AS (VALUES :keys)
SELECT e.number, e.namespace, e.visitor_id, e.kind, e.exchange, e.duplicate_of, e.doc, v.number AS verdict, v.version,
    v.delivery, v.judged, v.outcome, v.attributed
FROM wanted AS w CROSS JOIN events AS e ON e.visitor_id = w.visitor_id AND e.namespace = w.namespace
    LEFT JOIN verdicts AS v ON v.event = e.number
ORDER BY e.namespace, e.visitor_id, e.kind DESC, e.number
-- name: unjudged
SELECT number, namespace, uuid, visitor_id, event, delivery, version, sent, timestamp, event_key FROM verdicts
WHERE judged = 0 LIMIT :limit

-- name: store outcome
UPDATE verdicts SET judged = 1, outcome = ?, attributed = ? WHERE number = ? AND version = ?
-- name: unjudge
UPDATE verdicts SET judged = 0 WHERE number = ?
-- name: put totals
INSERT INTO totals (namespace, doc) VALUES (?, ?) ON CONFLICT (namespace) DO UPDATE SET doc = excluded.doc
-- name: put visitors
INSERT INTO visitors (namespace, visitor_id, fold, known) VALUES (?, ?, ?, ?)
ON CONFLICT (namespace, fold, visitor_id) DO UPDATE SET known = excluded.known

-- name: unjudge alike
UPDATE verdicts SET judged = 0 WHERE judged = 1 AND event IN
    (SELECT e.number FROM events AS f JOIN events AS e ON e.uuid = f.uuid AND e.namespace = f.namespace WHERE f.number = :event)

-- name: events
WITH wanted (number) AS (VALUES :keys),
    own AS (SELECT e.* FROM wanted AS w CROSS JOIN events AS e ON e.number = w.number)
SELECT number, namespace, exchange, duplicate_of, doc FROM own
UNION ALL
SELECT e.number, e.namespace, e.exchange, e.duplicate_of, e.doc FROM own AS o CROSS JOIN events AS e ON e.number = o.duplicate_of
-- name: owners
WITH wanted (event) AS (VALUES :keys)
SELECT v.event, v.number FROM wanted AS w CROSS JOIN verdicts AS v ON v.event = w.event
WHERE v.delivery IS NOT NULL ORDER BY v.number
-- name: free conversion
SELECT number FROM events
WHERE uuid = :uuid AND namespace = :namespace AND kind = 'conversion' AND number NOT IN
    (SELECT event FROM verdicts
        WHERE uuid = :uuid AND namespace = :namespace AND delivery IS NOT NULL AND event IS NOT NULL)
ORDER BY visitor_id IS NOT :visitor_id, key IS NOT :event_key, timestamp IS NOT :timestamp, number LIMIT 1
-- name: decisions of
WITH wanted (namespace, visitor_id) AS (VALUES :keys)
SELECT e.number, e.namespace, e.visitor_id, e.exchange, e.duplicate_of, e.doc
FROM wanted AS w CROSS JOIN events AS e ON e.visitor_id = w.visitor_id AND e.namespace = w.namespace
WHERE e.duplicate_of IS NULL AND e.kind = 'decision' ORDER BY e.number
-- name: close visitors
WITH wanted (namespace, fold) AS (VALUES :keys)
SELECT w.namespace, w.fold, v.visitor_id
FROM wanted AS w CROSS JOIN visitors AS v ON v.namespace = w.namespace AND v.fold = w.fold
    AND v.visitor_id IN (SELECT visitor_id FROM visitors WHERE namespace = w.namespace AND fold = w.fold LIMIT 20)
-- name: visitors
SELECT DISTINCT visitor_id FROM events INDEXED BY events_visitor
WHERE visitor_id > :after AND namespace = :namespace AND number <= :event ORDER BY visitor_id LIMIT :limit
-- name: visitor known
SELECT 1 FROM events WHERE visitor_id = :visitor_id AND namespace = :namespace LIMIT 1

-- What is dropped is read by its numbers; to group it, the planner would rather walk through a whole index.
-- name: count dropped exchanges
INSERT INTO dropped SELECT namespace, 'exchanges', COUNT(*) FROM exchanges NOT INDEXED WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = total + excluded.total
-- name: count dropped events
INSERT INTO dropped SELECT namespace, 'events', COUNT(*) FROM events NOT INDEXED WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = total + excluded.total
-- name: count dropped verdicts
INSERT INTO dropped SELECT namespace, 'verdicts', COUNT(*) FROM verdicts NOT INDEXED WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = total + excluded.total
-- name: count dropped runs
INSERT INTO dropped SELECT namespace, 'runs', COUNT(*) FROM runs NOT INDEXED WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = total + excluded.total
-- name: count verdicts without event
INSERT INTO dropped SELECT namespace, 'verdicts', COUNT(*) FROM verdicts INDEXED BY verdicts_event WHERE event <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = total + excluded.total

-- name: count events to erase
SELECT COUNT(*) FROM events WHERE visitor_id = :visitor_id AND namespace = :namespace
-- name: erase events
DELETE FROM events WHERE visitor_id = :visitor_id AND namespace = :namespace
-- name: erase verdicts
DELETE FROM verdicts WHERE namespace = :namespace
    AND (visitor_id = :visitor_id OR user_id = :visitor_id OR anonymous_id = :visitor_id
        OR event IN (SELECT number FROM events WHERE visitor_id = :visitor_id AND namespace = :namespace))
-- name: all events of visitor
SELECT number, namespace, exchange, duplicate_of, doc FROM events
WHERE visitor_id = :visitor_id AND namespace = :namespace ORDER BY number
-- name: all verdicts of visitor
SELECT number, namespace, uuid, visitor_id, event, delivery FROM verdicts
WHERE namespace = :namespace AND (visitor_id = :visitor_id
    OR event IN (SELECT number FROM events WHERE visitor_id = :visitor_id AND namespace = :namespace))
ORDER BY number
-- name: events after
SELECT number, doc FROM events
WHERE namespace = :namespace AND number > :after AND visitor_id IS NOT :visitor_id ORDER BY number LIMIT :limit
-- name: reports after
SELECT number, delivery FROM verdicts
WHERE namespace = :namespace AND number > :after AND delivery IS NOT NULL
    AND visitor_id IS NOT :visitor_id AND user_id IS NOT :visitor_id AND anonymous_id IS NOT :visitor_id
ORDER BY number LIMIT :limit

-- name: filter exchanges status
status = CAST(? AS INTEGER)
-- name: filter exchanges visitor_id
number IN (SELECT exchange FROM events WHERE visitor_id = ?)
-- name: filter exchanges uuid
number IN (SELECT exchange FROM events WHERE uuid = ?)
-- name: filter exchanges event_key
number IN (SELECT exchange FROM events WHERE key = ?)
-- name: filter exchanges experiment
number IN (SELECT exchange FROM events WHERE experiment_id IN (SELECT value FROM json_each(?)))
-- name: filter events visitor_id
visitor_id = ?
-- name: filter events uuid
uuid = ?
-- name: filter events event_key
key = ?
-- name: filter events exchange
exchange = CAST(? AS INTEGER)
-- name: filter events experiment
experiment_id IN (SELECT value FROM json_each(?))
-- name: filter events status
exchange IN (SELECT number FROM exchanges WHERE status = CAST(? AS INTEGER))
-- name: filter verdicts message_id
message_id = ?
-- name: filter verdicts event_key
event_key = ?
-- name: filter verdicts visitor_id
number IN (SELECT number FROM verdicts WHERE visitor_id = ? UNION ALL
    SELECT v.number FROM events AS e CROSS JOIN verdicts AS v ON v.event = e.number WHERE e.visitor_id = ?)
-- name: filter verdicts uuid
number IN (SELECT number FROM verdicts WHERE uuid = ? UNION ALL
    SELECT v.number FROM events AS e CROSS JOIN verdicts AS v ON v.event = e.number WHERE e.uuid = ?)
-- name: filter verdicts experiment
EXISTS (SELECT 1 FROM json_each(attributed) AS a JOIN json_each(?) AS b ON a.value = b.value)
-- name: filter verdicts status
event IN (SELECT number FROM events WHERE exchange IN (SELECT number FROM exchanges WHERE status = CAST(? AS INTEGER)))

-- name: search exchanges
(head LIKE ? ESCAPE '\' OR CAST(body AS TEXT) LIKE ? ESCAPE '\')
-- name: search events
doc LIKE ? ESCAPE '\'
-- name: search verdicts
((COALESCE(message_id, '') || ' ' || COALESCE(uuid, '') || ' ' || COALESCE(visitor_id, '') || ' ' || COALESCE(event_key, '')
    || ' ' || COALESCE(outcome, '') || ' ' || COALESCE(attributed, '')) LIKE ? ESCAPE '\' OR delivery LIKE ? ESCAPE '\'
    OR (SELECT COALESCE(e.uuid, '') || ' ' || COALESCE(e.visitor_id, '') FROM events AS e WHERE e.number = event)
        LIKE ? ESCAPE '\')
-- name: search runs
doc LIKE ? ESCAPE '\'

-- name: verdict counts
SELECT event_key, outcome, attributed, event IS NOT NULL AS received, COUNT(*) AS total
FROM verdicts
WHERE namespace = :namespace AND kind = 'event' AND judged = 1
GROUP BY event_key, outcome, attributed, received

-- name: schema
-- Ids that anybody may have sent are VARCHAR, in which NUL is spelt otherwise (see postgresql_store.py); what the emulator
-- has written itself is TEXT. An index takes 2,700 bytes at most, so ids are found by how they begin.
CREATE TABLE namespaces (name TEXT COLLATE "C" PRIMARY KEY);

-- How far the exchanges are projected; `epoch` counts the changes that nobody's exchange has made.
CREATE TABLE projection (exchange BIGINT NOT NULL, event BIGINT NOT NULL, epoch BIGINT NOT NULL);
INSERT INTO projection VALUES (0, 0, 0);

-- Settings and small things by kind and id: clock, faults, datafiles, their revisions, subject access requests.
CREATE TABLE documents (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C",
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX documents_id ON documents (kind, namespace, left(id, 100));

CREATE TABLE dropped (
    namespace TEXT COLLATE "C" NOT NULL,
    listing TEXT COLLATE "C" NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (namespace, listing)
);

CREATE TABLE exchanges (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    surface TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    status INTEGER,
    at BIGINT NOT NULL,
    counts BOOLEAN NOT NULL,
    head TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX exchanges_namespace ON exchanges (namespace, number);

CREATE TABLE events (
    number BIGINT PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    visitor_id VARCHAR COLLATE "C",
    account_id VARCHAR COLLATE "C",
    uuid VARCHAR COLLATE "C",
    key VARCHAR COLLATE "C",
    entity_id VARCHAR COLLATE "C",
    timestamp VARCHAR COLLATE "C",
    experiment_id VARCHAR COLLATE "C",
    exchange BIGINT NOT NULL,
    duplicate_of BIGINT,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX events_namespace ON events (namespace, number);
CREATE INDEX events_visitor ON events (left(visitor_id, 100), namespace, number);
-- What a conversion is judged by: a visitor's few decisions among all that it did.
CREATE INDEX events_decisions ON events (left(visitor_id, 100), namespace, number) WHERE kind = 'decision';
CREATE INDEX events_uuid ON events (left(uuid, 100), namespace);
CREATE INDEX events_key ON events (left(key, 100), namespace, number);
CREATE INDEX events_exchange ON events (exchange);
CREATE INDEX events_duplicate ON events (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX events_experiment ON events (left(experiment_id, 100), namespace, number) WHERE experiment_id IS NOT NULL;

-- Every visitor once, under the id with case and spacing folded away: how a close id is found. `known` is JSON: which
-- decisions matter, and what counts of the visitor; without it all waits to be judged anew, and counts nowhere till then.
CREATE TABLE visitors (
    namespace TEXT COLLATE "C" NOT NULL,
    fold VARCHAR COLLATE "C" NOT NULL,
    visitor_id VARCHAR COLLATE "C" NOT NULL,
    known TEXT COLLATE "C"
);
CREATE INDEX visitors_fold ON visitors (namespace, left(fold, 100));
CREATE INDEX visitors_stale ON visitors (namespace) WHERE known IS NULL;

CREATE TABLE totals (namespace TEXT COLLATE "C" PRIMARY KEY, doc TEXT COLLATE "C" NOT NULL);

-- One row a reported source event, and one a conversion that no report explains. `judged` is 0 while outcome and
-- attributed wait to be computed anew; `version` counts the reports that stood here.
CREATE TABLE verdicts (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    delivery_id VARCHAR COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    message_id VARCHAR COLLATE "C",
    uuid VARCHAR COLLATE "C",
    visitor_id VARCHAR COLLATE "C",
    user_id VARCHAR COLLATE "C",
    anonymous_id VARCHAR COLLATE "C",
    event_key VARCHAR COLLATE "C",
    timestamp VARCHAR COLLATE "C",
    sent BOOLEAN NOT NULL DEFAULT FALSE,
    waits BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL DEFAULT 0,
    event BIGINT,
    delivery TEXT COLLATE "C",
    judged SMALLINT NOT NULL DEFAULT 0,
    outcome TEXT COLLATE "C",
    attributed TEXT COLLATE "C"
);
CREATE INDEX verdicts_delivery ON verdicts (left(delivery_id, 100), namespace) WHERE delivery_id IS NOT NULL;
CREATE INDEX verdicts_namespace ON verdicts (namespace, number);
CREATE INDEX verdicts_message ON verdicts (left(message_id, 100), namespace) WHERE message_id IS NOT NULL;
-- Only what was reported has these of its own; of a conversion that no report explains its event has them.
CREATE INDEX verdicts_uuid ON verdicts (left(uuid, 100), namespace) WHERE uuid IS NOT NULL;
CREATE INDEX verdicts_visitor ON verdicts (left(visitor_id, 100), namespace) WHERE visitor_id IS NOT NULL;
CREATE INDEX verdicts_waiting ON verdicts (left(uuid, 100)) WHERE event IS NULL AND waits;
CREATE INDEX verdicts_event_key ON verdicts (left(event_key, 100), namespace, number);
CREATE INDEX verdicts_event ON verdicts (event) WHERE event IS NOT NULL;
CREATE INDEX verdicts_unjudged ON verdicts (number) WHERE judged = 0;
CREATE INDEX verdicts_outcome ON verdicts (outcome, namespace, number) WHERE judged = 1;

CREATE TABLE runs (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    status VARCHAR COLLATE "C",
    summary TEXT COLLATE "C" NOT NULL,
    doc TEXT COLLATE "C" NOT NULL
);
CREATE INDEX runs_id ON runs (left(id, 100), namespace);
CREATE INDEX runs_namespace ON runs (namespace, number);

-- Each turns a schema of the version before into one of its number, just as `schema` makes one.
-- name: migration 2
DROP TABLE stale;
ALTER TABLE visitors ADD COLUMN known TEXT COLLATE "C";
CREATE INDEX visitors_stale ON visitors (namespace) WHERE known IS NULL;
-- Nothing is known of any visitor: all is judged and counted anew.
DELETE FROM totals;
UPDATE projection SET epoch = epoch + 1;

-- name: namespaces
SELECT
    name,
    (SELECT COUNT(*) FROM events WHERE namespace = name) AS events,
    (SELECT COUNT(*) FROM verdicts WHERE namespace = name) AS verdicts,
    (SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM dropped WHERE namespace = name) AS dropped,
    (SELECT at FROM exchanges WHERE namespace = name ORDER BY number DESC LIMIT 1) AS last_at
FROM namespaces ORDER BY name
-- name: add namespace
INSERT INTO namespaces (name) SELECT :name WHERE NOT EXISTS (SELECT 1 FROM namespaces WHERE name = :name) ON CONFLICT DO NOTHING
-- name: settings
SELECT kind, doc FROM documents WHERE kind IN (SELECT json_array_elements_text(CAST(:kinds AS JSON)))
    AND namespace = :namespace AND left(id, 100) = '' AND id = ''

-- name: document
SELECT doc FROM documents WHERE kind = :kind AND namespace = :namespace AND left(id, 100) = left(:id, 100) AND id = :id
-- name: put document
WITH known AS (UPDATE documents SET doc = :doc
    WHERE kind = :kind AND namespace = :namespace AND left(id, 100) = left(:id, 100) AND id = :id RETURNING 1)
INSERT INTO documents (kind, namespace, id, doc)
SELECT :kind, :namespace, CAST(:id AS VARCHAR), :doc WHERE NOT EXISTS (SELECT 1 FROM known)
-- name: fill document
UPDATE documents SET id = CAST(number AS VARCHAR), doc = :doc WHERE number = :number
-- name: delete document
DELETE FROM documents WHERE kind = :kind AND namespace = :namespace AND left(id, 100) = left(:id, 100) AND id = :id

-- name: report
SELECT number FROM verdicts
WHERE left(delivery_id, 100) = left(:delivery_id, 100) AND delivery_id = :delivery_id AND namespace = :namespace
-- name: last number
SELECT lastval() AS number
-- name: unjudge uuid
UPDATE verdicts SET judged = 0
WHERE left(uuid, 100) = left(:uuid, 100) AND uuid = :uuid AND namespace = :namespace AND judged = 1
-- name: unjudge conversions of uuid
UPDATE verdicts SET judged = 0 WHERE judged = 1 AND event IN
    (SELECT number FROM events WHERE left(uuid, 100) = left(:uuid, 100) AND uuid = :uuid AND namespace = :namespace)
-- name: delete run
DELETE FROM runs WHERE left(id, 100) = left(:id, 100) AND id = :id AND namespace = :namespace
-- name: run
SELECT doc FROM runs WHERE left(id, 100) = left(:id, 100) AND id = :id AND namespace = :namespace

-- name: standing
SELECT exchange, event, epoch, GREATEST((SELECT MAX(number) FROM exchanges), exchange) AS last,
    EXISTS (SELECT 1 FROM verdicts WHERE judged = 0) OR EXISTS (SELECT 1 FROM visitors WHERE known IS NULL) AS waits
FROM projection
-- name: last exchange
SELECT GREATEST((SELECT MAX(number) FROM exchanges), (SELECT exchange FROM projection))
-- name: projected elsewhere
SELECT
    exchange,
    exchange >= :until AND NOT EXISTS (SELECT 1 FROM verdicts WHERE judged = 0) AND NOT EXISTS (SELECT 1 FROM visitors WHERE known IS NULL) AS done,
    EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :lead AND classid = CAST(:key AS OID)
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS led
FROM projection
-- name: vacuum
VACUUM exchanges, events, verdicts, runs, documents, visitors, totals
-- name: first events
WITH wanted (namespace, uuid, timestamp) AS
    (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[])), (SELECT CAST(:k3 AS VARCHAR[]))))
SELECT e.number, e.namespace, e.account_id, e.uuid, e.timestamp, e.entity_id, e.key, e.visitor_id, e.kind
FROM wanted AS w JOIN events AS e
    ON left(e.uuid, 100) = left(w.uuid, 100) AND e.uuid = w.uuid AND e.namespace = w.namespace
    AND (w.timestamp IS NULL OR e.timestamp = w.timestamp)
WHERE e.duplicate_of IS NULL ORDER BY e.number
-- name: waiting reports
WITH wanted (uuid) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS VARCHAR[]))))
SELECT v.number, v.namespace, v.uuid
FROM wanted AS w JOIN verdicts AS v ON left(v.uuid, 100) = left(w.uuid, 100) AND v.uuid = w.uuid
WHERE v.event IS NULL AND v.waits ORDER BY v.number
-- name: known visitors
WITH wanted (namespace, visitor_id, fold) AS
    (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[])), (SELECT CAST(:k3 AS VARCHAR[]))))
SELECT v.namespace, v.visitor_id, v.known, e.number, e.doc
FROM wanted AS w JOIN visitors AS v
    ON v.namespace = w.namespace AND left(v.fold, 100) = left(w.fold, 100) AND v.fold = w.fold AND v.visitor_id = w.visitor_id
    LEFT JOIN LATERAL json_array_elements_text(CAST(v.known AS JSON) -> 'decisions') AS d(number) ON TRUE
    LEFT JOIN events AS e ON e.number = CAST(d.number AS BIGINT)
-- name: events of
WITH wanted (namespace, visitor_id) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[]))))
SELECT e.number, e.namespace, e.visitor_id, e.kind, e.exchange, e.duplicate_of, e.doc, v.number AS verdict, v.version,
    v.delivery, v.judged, v.outcome, v.attributed
FROM wanted AS w JOIN events AS e
    ON left(e.visitor_id, 100) = left(w.visitor_id, 100) AND e.visitor_id = w.visitor_id AND e.namespace = w.namespace
    LEFT JOIN verdicts AS v ON v.event = e.number
ORDER BY e.namespace, e.visitor_id, e.kind DESC, e.number
-- name: unjudged
SELECT number, namespace, uuid, visitor_id, event, delivery, version, sent, timestamp, event_key FROM verdicts
WHERE judged = 0 ORDER BY number LIMIT :limit

-- name: store outcome
UPDATE verdicts AS v SET judged = 1, outcome = n.outcome, attributed = n.attributed
FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS TEXT[])), (SELECT CAST(:k3 AS BIGINT[])), (SELECT CAST(:k4 AS BIGINT[])))
    AS n(outcome, attributed, number, version)
WHERE v.number = n.number AND v.version = n.version
-- name: unjudge
UPDATE verdicts SET judged = 0 WHERE number = ANY(CAST(:k1 AS BIGINT[]))
-- name: put totals
INSERT INTO totals (namespace, doc) SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS TEXT[])))
ON CONFLICT (namespace) DO UPDATE SET doc = excluded.doc
-- name: put visitors
WITH new (namespace, visitor_id, fold, known) AS
    (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[])), (SELECT CAST(:k3 AS VARCHAR[])), (SELECT CAST(:k4 AS TEXT[])))),
there AS (UPDATE visitors AS v SET known = n.known FROM new AS n
    WHERE v.namespace = n.namespace AND left(v.fold, 100) = left(n.fold, 100) AND v.fold = n.fold AND v.visitor_id = n.visitor_id
    RETURNING v.namespace, v.visitor_id)
INSERT INTO visitors (namespace, visitor_id, fold, known)
SELECT * FROM new AS n
WHERE NOT EXISTS (SELECT 1 FROM there AS t WHERE t.namespace = n.namespace AND t.visitor_id = n.visitor_id)

-- name: unjudge alike
UPDATE verdicts SET judged = 0 WHERE judged = 1 AND event IN
    (SELECT e.number FROM events AS f JOIN events AS e
        ON left(e.uuid, 100) = left(f.uuid, 100) AND e.uuid = f.uuid AND e.namespace = f.namespace WHERE f.number = :event)

-- name: events
WITH wanted (number) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS BIGINT[])))),
    own AS (SELECT e.* FROM wanted AS w JOIN events AS e ON e.number = w.number)
SELECT number, namespace, exchange, duplicate_of, doc FROM own
UNION ALL
SELECT e.number, e.namespace, e.exchange, e.duplicate_of, e.doc FROM own AS o JOIN events AS e ON e.number = o.duplicate_of
-- name: owners
WITH wanted (event) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS BIGINT[]))))
SELECT v.event, v.number FROM wanted AS w JOIN verdicts AS v ON v.event = w.event
WHERE v.delivery IS NOT NULL ORDER BY v.number
-- name: free conversion
SELECT number FROM events
WHERE left(uuid, 100) = left(:uuid, 100) AND uuid = :uuid AND namespace = :namespace AND kind = 'conversion' AND number NOT IN
    (SELECT event FROM verdicts WHERE left(uuid, 100) = left(:uuid, 100) AND uuid = :uuid AND namespace = :namespace
        AND delivery IS NOT NULL AND event IS NOT NULL)
ORDER BY visitor_id IS DISTINCT FROM :visitor_id, key IS DISTINCT FROM :event_key, timestamp IS DISTINCT FROM :timestamp, number
LIMIT 1
-- name: decisions of
WITH wanted (namespace, visitor_id) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[]))))
SELECT e.number, e.namespace, e.visitor_id, e.exchange, e.duplicate_of, e.doc
FROM wanted AS w JOIN events AS e
    ON left(e.visitor_id, 100) = left(w.visitor_id, 100) AND e.visitor_id = w.visitor_id AND e.namespace = w.namespace
WHERE e.duplicate_of IS NULL AND e.kind = 'decision' ORDER BY e.number
-- name: close visitors
WITH wanted (namespace, fold) AS (SELECT * FROM unnest((SELECT CAST(:k1 AS TEXT[])), (SELECT CAST(:k2 AS VARCHAR[]))))
SELECT w.namespace, w.fold, c.visitor_id
FROM wanted AS w CROSS JOIN LATERAL
    (SELECT visitor_id FROM visitors AS v
        WHERE v.namespace = w.namespace AND left(v.fold, 100) = left(w.fold, 100) AND v.fold = w.fold LIMIT 20) AS c
-- name: visitors
SELECT visitor_id FROM events
WHERE left(visitor_id, 100) >= left(:after, 100) AND visitor_id > :after AND namespace = :namespace AND number <= :event
GROUP BY left(visitor_id, 100), visitor_id ORDER BY left(visitor_id, 100), visitor_id LIMIT :limit
-- name: visitor known
SELECT 1 FROM events WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id
    AND namespace = :namespace LIMIT 1

-- name: count dropped exchanges
INSERT INTO dropped SELECT namespace, 'exchanges', COUNT(*) FROM exchanges WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = dropped.total + excluded.total
-- name: count dropped events
INSERT INTO dropped SELECT namespace, 'events', COUNT(*) FROM events WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = dropped.total + excluded.total
-- name: count dropped verdicts
INSERT INTO dropped SELECT namespace, 'verdicts', COUNT(*) FROM verdicts WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = dropped.total + excluded.total
-- name: count dropped runs
INSERT INTO dropped SELECT namespace, 'runs', COUNT(*) FROM runs WHERE number <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = dropped.total + excluded.total
-- name: count verdicts without event
INSERT INTO dropped SELECT namespace, 'verdicts', COUNT(*) FROM verdicts WHERE event <= :cutoff GROUP BY namespace
ON CONFLICT (namespace, listing) DO UPDATE SET total = dropped.total + excluded.total

-- name: count events to erase
SELECT COUNT(*) FROM events
WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id AND namespace = :namespace
-- name: erase events
DELETE FROM events WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id AND namespace = :namespace
-- name: erase verdicts
DELETE FROM verdicts WHERE namespace = :namespace
    AND (visitor_id = :visitor_id OR user_id = :visitor_id OR anonymous_id = :visitor_id OR event IN
        (SELECT number FROM events WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id
            AND namespace = :namespace))
-- name: all events of visitor
SELECT number, namespace, exchange, duplicate_of, doc FROM events
WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id AND namespace = :namespace ORDER BY number
-- name: all verdicts of visitor
SELECT number, namespace, uuid, visitor_id, event, delivery FROM verdicts
WHERE namespace = :namespace AND (visitor_id = :visitor_id OR event IN
    (SELECT number FROM events WHERE left(visitor_id, 100) = left(:visitor_id, 100) AND visitor_id = :visitor_id
        AND namespace = :namespace))
ORDER BY number
-- name: events after
SELECT number, doc FROM events
WHERE namespace = :namespace AND number > :after AND visitor_id IS DISTINCT FROM :visitor_id ORDER BY number LIMIT :limit
-- name: reports after
SELECT number, delivery FROM verdicts
WHERE namespace = :namespace AND number > :after AND delivery IS NOT NULL AND visitor_id IS DISTINCT FROM :visitor_id
    AND user_id IS DISTINCT FROM :visitor_id AND anonymous_id IS DISTINCT FROM :visitor_id
ORDER BY number LIMIT :limit

-- name: filter exchanges status
status = ?
-- name: filter exchanges visitor_id
number IN (SELECT exchange FROM events WHERE left(visitor_id, 100) = left(?, 100) AND visitor_id = ?)
-- name: filter exchanges uuid
number IN (SELECT exchange FROM events WHERE left(uuid, 100) = left(?, 100) AND uuid = ?)
-- name: filter exchanges event_key
number IN (SELECT exchange FROM events WHERE left(key, 100) = left(?, 100) AND key = ?)
-- name: filter exchanges experiment
number IN (SELECT exchange FROM events WHERE left(experiment_id, 100) = ANY(SELECT left(w, 100) FROM unnest(CAST(? AS TEXT[])) AS w)
    AND experiment_id = ANY(CAST(? AS TEXT[])))
-- name: filter events visitor_id
left(visitor_id, 100) = left(?, 100) AND visitor_id = ?
-- name: filter events uuid
left(uuid, 100) = left(?, 100) AND uuid = ?
-- name: filter events event_key
left(key, 100) = left(?, 100) AND key = ?
-- name: filter events exchange
exchange = ?
-- name: filter events experiment
left(experiment_id, 100) = ANY(SELECT left(w, 100) FROM unnest(CAST(? AS TEXT[])) AS w) AND experiment_id = ANY(CAST(? AS TEXT[]))
-- name: filter events status
exchange IN (SELECT number FROM exchanges WHERE status = ?)
-- name: filter verdicts message_id
left(message_id, 100) = left(?, 100) AND message_id = ?
-- name: filter verdicts event_key
left(event_key, 100) = left(?, 100) AND event_key = ?
-- name: filter verdicts visitor_id
number IN (SELECT number FROM verdicts WHERE left(visitor_id, 100) = left(?, 100) AND visitor_id = ? UNION ALL
    SELECT v.number FROM events AS e JOIN verdicts AS v ON v.event = e.number
    WHERE left(e.visitor_id, 100) = left(?, 100) AND e.visitor_id = ?)
-- name: filter verdicts uuid
number IN (SELECT number FROM verdicts WHERE left(uuid, 100) = left(?, 100) AND uuid = ? UNION ALL
    SELECT v.number FROM events AS e JOIN verdicts AS v ON v.event = e.number WHERE left(e.uuid, 100) = left(?, 100) AND e.uuid = ?)
-- name: filter verdicts experiment
EXISTS (SELECT 1 FROM unnest(CAST(? AS TEXT[])) AS w
    WHERE strpos(',' || substr(attributed, 2, length(attributed) - 2) || ',', ',' || w || ',') > 0)
-- name: filter verdicts status
event IN (SELECT number FROM events WHERE exchange IN (SELECT number FROM exchanges WHERE status = ?))

-- name: search exchanges
(head ILIKE ? ESCAPE '\' OR encode(body, 'escape') ILIKE ? ESCAPE '\')
-- name: search events
doc ILIKE ? ESCAPE '\'
-- name: search verdicts
((COALESCE(message_id, '') || ' ' || COALESCE(uuid, '') || ' ' || COALESCE(visitor_id, '') || ' ' || COALESCE(event_key, '')
    || ' ' || COALESCE(outcome, '') || ' ' || COALESCE(attributed, '')) ILIKE ? ESCAPE '\' OR delivery ILIKE ? ESCAPE '\'
    OR (SELECT COALESCE(e.uuid, '') || ' ' || COALESCE(e.visitor_id, '') FROM events AS e WHERE e.number = event)
        ILIKE ? ESCAPE '\')
-- name: search runs
doc ILIKE ? ESCAPE '\'

-- name: verdict counts
SELECT event_key, outcome, attributed, event IS NOT NULL AS received, COUNT(*) AS total
FROM verdicts
WHERE namespace = :namespace AND kind = 'event' AND judged = 1
GROUP BY event_key, outcome, attributed, event IS NOT NULL

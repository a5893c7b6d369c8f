-- name: namespace exists
SELECT 1 FROM namespaces WHERE name = :name
-- name: namespace count
SELECT COUNT(*) FROM namespaces
-- name: forget empty namespace
DELETE FROM namespaces WHERE name = :namespace AND name <> 'default' AND NOT EXISTS
    (SELECT 1 FROM documents WHERE namespace = :namespace)

-- name: documents
SELECT namespace, id, doc FROM documents WHERE kind = :kind AND namespace = :namespace ORDER BY number
-- name: documents everywhere
SELECT namespace, id, doc FROM documents WHERE kind = :kind ORDER BY namespace, number
-- name: add document
INSERT INTO documents (kind, namespace, doc) VALUES (:kind, :namespace, '') RETURNING number
-- name: delete documents
DELETE FROM documents WHERE kind = :kind AND namespace = :namespace
-- name: documents state
SELECT COUNT(*) AS total, MAX(number) AS newest FROM documents WHERE kind = :kind AND namespace = :namespace
-- name: add report
INSERT INTO verdicts (namespace, delivery_id, kind, message_id, uuid, visitor_id, user_id, anonymous_id, event_key,
    timestamp, sent, waits, delivery)
VALUES (:namespace, :delivery_id, :kind, :message_id, :uuid, :visitor_id, :user_id, :anonymous_id, :event_key,
    :timestamp, :sent, :waits, :delivery)
-- name: replace report
UPDATE verdicts SET kind = :kind, message_id = :message_id, uuid = :uuid, visitor_id = :visitor_id, user_id = :user_id,
    anonymous_id = :anonymous_id, event_key = :event_key, timestamp = :timestamp, sent = :sent, waits = :waits, delivery = :delivery,
    version = version + 1, judged = 0
WHERE number = :number
-- name: put run
INSERT INTO runs (namespace, id, status, summary, doc) VALUES (:namespace, :id, :status, :summary, :doc)

-- name: position
SELECT exchange, event, epoch FROM projection
-- name: pending
SELECT number, namespace, at, counts, head, body FROM exchanges WHERE number > :after ORDER BY number LIMIT :limit
-- name: stale visitors
SELECT namespace, visitor_id, fold FROM visitors WHERE known IS NULL LIMIT :limit
-- name: totals
SELECT doc FROM totals WHERE namespace = :namespace
-- name: oldest events
SELECT number, namespace, visitor_id, kind, exchange, duplicate_of, doc FROM events
WHERE number <= :up_to ORDER BY number LIMIT :limit

-- name: advance
UPDATE projection SET exchange = :exchange, event = :event
WHERE exchange = :since_exchange AND event = :since_event AND epoch = :epoch
-- name: next epoch
UPDATE projection SET epoch = epoch + 1
-- name: give conversion
UPDATE verdicts SET event = :event, judged = 0 WHERE number = :number
-- name: drop unreported
DELETE FROM verdicts WHERE event = :event AND delivery IS NULL

-- All that is counted and judged in a namespace is counted and judged anew.
-- name: restate visitors
UPDATE visitors SET known = NULL WHERE namespace = :namespace AND known IS NOT NULL
-- name: restate verdicts
UPDATE verdicts SET judged = 0 WHERE namespace = :namespace AND judged = 1 AND (event IS NULL OR event IN
    (SELECT number FROM events WHERE namespace = :namespace AND (visitor_id IS NULL OR duplicate_of IS NOT NULL)))
-- name: forget exchanges
DELETE FROM exchanges WHERE namespace = :namespace
-- name: forget events
DELETE FROM events WHERE namespace = :namespace
-- name: forget verdicts
DELETE FROM verdicts WHERE namespace = :namespace
-- name: forget runs
DELETE FROM runs WHERE namespace = :namespace
-- name: forget totals
DELETE FROM totals WHERE namespace = :namespace
-- name: forget visitors
DELETE FROM visitors WHERE namespace = :namespace
-- name: forget dropped
DELETE FROM dropped WHERE namespace = :namespace

-- name: count exchanges
SELECT COUNT(*) FROM exchanges
-- name: cutoff exchanges
SELECT number FROM exchanges ORDER BY number LIMIT 1 OFFSET :before
-- name: body bytes
SELECT COALESCE(SUM(length(body)), 0) FROM exchanges
-- name: cutoff bytes
SELECT number FROM
    (SELECT number, SUM(length(body)) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) AS total FROM exchanges) AS oldest
WHERE total >= :excess ORDER BY number LIMIT 1
-- name: last event of exchanges
SELECT COALESCE(MAX(number), 0) FROM events WHERE exchange <= :cutoff
-- name: drop exchanges
DELETE FROM exchanges WHERE number <= :cutoff
-- name: count events
SELECT COUNT(*) FROM events
-- name: cutoff events
SELECT number FROM events ORDER BY number LIMIT 1 OFFSET :before
-- name: drop events
DELETE FROM events WHERE number <= :cutoff
-- name: count verdicts
SELECT COUNT(*) FROM verdicts
-- name: cutoff verdicts
SELECT number FROM verdicts ORDER BY number LIMIT 1 OFFSET :before
-- name: drop verdicts
DELETE FROM verdicts WHERE number <= :cutoff
-- name: count runs
SELECT COUNT(*) FROM runs
-- name: cutoff runs
SELECT number FROM runs ORDER BY number LIMIT 1 OFFSET :before
-- name: drop runs
DELETE FROM runs WHERE number <= :cutoff
-- name: drop verdicts without event
DELETE FROM verdicts WHERE event <= :cutoff
-- name: unjudge duplicates
UPDATE verdicts SET judged = 0 WHERE judged = 1 AND event IN
    (SELECT number FROM events WHERE duplicate_of <= :cutoff)

-- name: erase exchange
UPDATE exchanges SET head = :head, body = :body WHERE number = :number
-- name: count reports to erase
SELECT COUNT(*) FROM verdicts WHERE namespace = :namespace AND delivery IS NOT NULL
    AND (visitor_id = :visitor_id OR user_id = :visitor_id OR anonymous_id = :visitor_id)
-- name: erase visitor
DELETE FROM visitors WHERE visitor_id = :visitor_id AND namespace = :namespace
-- name: exchanges after
SELECT number, surface, status, head, body FROM exchanges WHERE namespace = :namespace AND number > :after
ORDER BY number LIMIT :limit
-- name: exchange to erase
SELECT number, surface, status, head, body FROM exchanges WHERE number = :number
-- name: event to erase
SELECT number, doc FROM events WHERE number = :number
-- name: erase event
UPDATE events SET doc = :doc WHERE number = :number
-- name: report to erase
SELECT number, delivery FROM verdicts WHERE number = :number
-- name: erase report
UPDATE verdicts SET delivery = :delivery WHERE number = :number
-- name: drop report
DELETE FROM verdicts WHERE number = :number
-- name: runs after
SELECT number, doc FROM runs WHERE number > :after ORDER BY number LIMIT :limit
-- name: run to erase
SELECT number, doc FROM runs WHERE number = :number
-- name: erase run
UPDATE runs SET doc = :doc WHERE number = :number

-- name: part of namespace
namespace = ?
-- name: part before
number < ?
-- name: part after
number > ?
-- name: filter exchanges surface
surface = ?
-- name: filter exchanges method
method = ?
-- name: filter exchanges kind
number IN (SELECT exchange FROM events WHERE kind = ?)
-- name: filter exchanges outcome
number IN (SELECT exchange FROM events WHERE number IN (SELECT event FROM verdicts WHERE judged = 1 AND outcome = ?))
-- name: filter events kind
kind = ?
-- name: filter events outcome
number IN (SELECT event FROM verdicts WHERE judged = 1 AND outcome = ?)
-- name: filter verdicts outcome
judged = 1 AND outcome = ?
-- name: filter verdicts kind
kind = ?
-- name: filter runs status
status = ?

-- name: columns exchanges
number, namespace, surface, method, status, at, head, body
-- name: columns events
number, namespace, exchange, duplicate_of, doc
-- name: outcome counts
SELECT outcome, COUNT(*) AS total FROM verdicts WHERE judged = 1 AND outcome IS NOT NULL GROUP BY outcome ORDER BY outcome
-- name: columns verdicts
number, namespace, uuid, visitor_id, event, delivery, judged
-- name: columns runs
number, namespace, summary

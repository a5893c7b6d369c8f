CREATE SCHEMA older;
CREATE TABLE older.about (
    program text NOT NULL,
    version integer NOT NULL
);
CREATE TABLE older.documents (
    number bigint NOT NULL,
    namespace text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    id character varying COLLATE pg_catalog."C",
    doc text NOT NULL COLLATE pg_catalog."C"
);
ALTER TABLE older.documents ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME older.documents_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE older.dropped (
    namespace text NOT NULL COLLATE pg_catalog."C",
    listing text NOT NULL COLLATE pg_catalog."C",
    total bigint NOT NULL
);
CREATE TABLE older.events (
    number bigint NOT NULL,
    namespace text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    visitor_id character varying COLLATE pg_catalog."C",
    account_id character varying COLLATE pg_catalog."C",
    uuid character varying COLLATE pg_catalog."C",
    key character varying COLLATE pg_catalog."C",
    entity_id character varying COLLATE pg_catalog."C",
    "timestamp" character varying COLLATE pg_catalog."C",
    experiment_id character varying COLLATE pg_catalog."C",
    exchange bigint NOT NULL,
    duplicate_of bigint,
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE older.exchanges (
    number bigint NOT NULL,
    namespace text NOT NULL COLLATE pg_catalog."C",
    surface text NOT NULL COLLATE pg_catalog."C",
    method text NOT NULL COLLATE pg_catalog."C",
    status integer,
    at bigint NOT NULL,
    counts boolean NOT NULL,
    head text NOT NULL COLLATE pg_catalog."C",
    body bytea NOT NULL
);
ALTER TABLE older.exchanges ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME older.exchanges_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE older.namespaces (
    name text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE older.projection (
    exchange bigint NOT NULL,
    event bigint NOT NULL,
    epoch bigint NOT NULL
);
CREATE TABLE older.runs (
    number bigint NOT NULL,
    namespace text NOT NULL COLLATE pg_catalog."C",
    id character varying NOT NULL COLLATE pg_catalog."C",
    status character varying COLLATE pg_catalog."C",
    summary text NOT NULL COLLATE pg_catalog."C",
    doc text NOT NULL COLLATE pg_catalog."C"
);
ALTER TABLE older.runs ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME older.runs_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE older.stale (
    namespace text NOT NULL COLLATE pg_catalog."C",
    visitor_id character varying NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE older.totals (
    namespace text NOT NULL COLLATE pg_catalog."C",
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE older.verdicts (
    number bigint NOT NULL,
    namespace text NOT NULL COLLATE pg_catalog."C",
    delivery_id character varying COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    message_id character varying COLLATE pg_catalog."C",
    uuid character varying COLLATE pg_catalog."C",
    visitor_id character varying COLLATE pg_catalog."C",
    user_id character varying COLLATE pg_catalog."C",
    anonymous_id character varying COLLATE pg_catalog."C",
    event_key character varying COLLATE pg_catalog."C",
    "timestamp" character varying COLLATE pg_catalog."C",
    sent boolean DEFAULT false NOT NULL,
    waits boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    event bigint,
    delivery text COLLATE pg_catalog."C",
    judged smallint DEFAULT 0 NOT NULL,
    outcome text COLLATE pg_catalog."C",
    attributed text COLLATE pg_catalog."C"
);
ALTER TABLE older.verdicts ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME older.verdicts_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE older.visitors (
    namespace text NOT NULL COLLATE pg_catalog."C",
    fold character varying NOT NULL COLLATE pg_catalog."C",
    visitor_id character varying NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO older.about VALUES ('optilocal''s emulator', 1);
INSERT INTO older.documents OVERRIDING SYSTEM VALUE VALUES (1, '', 'page_token', '', '"09f8612c0fc546ae89b342b1e3ac1f0b"');
INSERT INTO older.documents OVERRIDING SYSTEM VALUE VALUES (2, '', 'rules', '', '{"version":"0.1.0","rules":"Rules(count_after_pause=False, count_late_metrics=True, bot_filtering=None, smooth_outliers=False, dedup=''event'', nested_tags=''count'')"}');
INSERT INTO older.documents OVERRIDING SYSTEM VALUE VALUES (3, 'kept', 'revision', '3', '{"of":"sdk-1","from":1795777429359,"revision":"1","datafile":{"version":"4","revision":"1","accountId":"12001","projectId":"20001","sdkKey":"sdk-1","environmentKey":"production","botFiltering":false,"experiments":[{"id":"exp-checkout","key":"checkout","status":"Running","layerId":"layer-checkout","variations":[{"id":"checkout-a","key":"a"},{"id":"checkout-b","key":"b"}],"trafficAllocation":[],"audienceIds":[],"forcedVariations":{}},{"id":"exp-old","key":"old","status":"Paused","layerId":"layer-old","variations":[{"id":"old-a","key":"a"},{"id":"old-b","key":"b"}],"trafficAllocation":[],"audienceIds":[],"forcedVariations":{}}],"groups":[{"id":"group-1","policy":"random","trafficAllocation":[],"experiments":[{"id":"exp-banner","key":"banner","status":"Running","layerId":"layer-banner","variations":[{"id":"banner-a","key":"a"},{"id":"banner-b","key":"b"}],"trafficAllocation":[],"audienceIds":[],"forcedVariations":{}}]}],"rollouts":[{"id":"rollout-1","experiments":[{"id":"exp-delivery","key":"delivery","status":"Running","layerId":"layer-delivery","variations":[{"id":"delivery-a","key":"a"},{"id":"delivery-b","key":"b"}],"trafficAllocation":[],"audienceIds":[],"forcedVariations":{}}]}],"holdouts":[{"id":"exp-kept_out","key":"kept_out","status":"Running","layerId":"layer-kept_out","variations":[{"id":"kept_out-a","key":"a"},{"id":"kept_out-b","key":"b"}],"trafficAllocation":[],"audienceIds":[],"forcedVariations":{}}],"attributes":[{"id":"attr-1","key":"plan"}],"audiences":[],"events":[{"id":"ev-order","key":"Order Completed","experimentIds":["exp-checkout"]},{"id":"ev-both","key":"Signed Up","experimentIds":["exp-checkout","exp-banner","exp-old"]},{"id":"ev-old","key":"Plan Upgraded","experimentIds":["exp-old"]},{"id":"ev-free","key":"Newsletter Subscribed","experimentIds":[]},{"id":"ev-rollout","key":"Delivery Seen","experimentIds":["exp-delivery"]}]}}');
INSERT INTO older.documents OVERRIDING SYSTEM VALUE VALUES (4, 'kept', 'datafile', 'sdk-1', '{"text":"{\"version\": \"4\", \"revision\": \"1\", \"accountId\": \"12001\", \"projectId\": \"20001\", \"sdkKey\": \"sdk-1\", \"environmentKey\": \"production\", \"botFiltering\": false, \"experiments\": [{\"id\": \"exp-checkout\", \"key\": \"checkout\", \"status\": \"Running\", \"layerId\": \"layer-checkout\", \"variations\": [{\"id\": \"checkout-a\", \"key\": \"a\"}, {\"id\": \"checkout-b\", \"key\": \"b\"}], \"trafficAllocation\": [], \"audienceIds\": [], \"forcedVariations\": {}}, {\"id\": \"exp-old\", \"key\": \"old\", \"status\": \"Paused\", \"layerId\": \"layer-old\", \"variations\": [{\"id\": \"old-a\", \"key\": \"a\"}, {\"id\": \"old-b\", \"key\": \"b\"}], \"trafficAllocation\": [], \"audienceIds\": [], \"forcedVariations\": {}}], \"groups\": [{\"id\": \"group-1\", \"policy\": \"random\", \"trafficAllocation\": [], \"experiments\": [{\"id\": \"exp-banner\", \"key\": \"banner\", \"status\": \"Running\", \"layerId\": \"layer-banner\", \"variations\": [{\"id\": \"banner-a\", \"key\": \"a\"}, {\"id\": \"banner-b\", \"key\": \"b\"}], \"trafficAllocation\": [], \"audienceIds\": [], \"forcedVariations\": {}}]}], \"rollouts\": [{\"id\": \"rollout-1\", \"experiments\": [{\"id\": \"exp-delivery\", \"key\": \"delivery\", \"status\": \"Running\", \"layerId\": \"layer-delivery\", \"variations\": [{\"id\": \"delivery-a\", \"key\": \"a\"}, {\"id\": \"delivery-b\", \"key\": \"b\"}], \"trafficAllocation\": [], \"audienceIds\": [], \"forcedVariations\": {}}]}], \"holdouts\": [{\"id\": \"exp-kept_out\", \"key\": \"kept_out\", \"status\": \"Running\", \"layerId\": \"layer-kept_out\", \"variations\": [{\"id\": \"kept_out-a\", \"key\": \"a\"}, {\"id\": \"kept_out-b\", \"key\": \"b\"}], \"trafficAllocation\": [], \"audienceIds\": [], \"forcedVariations\": {}}], \"attributes\": [{\"id\": \"attr-1\", \"key\": \"plan\"}], \"audiences\": [], \"events\": [{\"id\": \"ev-order\", \"key\": \"Order Completed\", \"experimentIds\": [\"exp-checkout\"]}, {\"id\": \"ev-both\", \"key\": \"Signed Up\", \"experimentIds\": [\"exp-checkout\", \"exp-banner\", \"exp-old\"]}, {\"id\": \"ev-old\", \"key\": \"Plan Upgraded\", \"experimentIds\": [\"exp-old\"]}, {\"id\": \"ev-free\", \"key\": \"Newsletter Subscribed\", \"experimentIds\": []}, {\"id\": \"ev-rollout\", \"key\": \"Delivery Seen\", \"experimentIds\": [\"exp-delivery\"]}]}","raw":false,"content_type":null,"status":null,"token":null,"project_id":"20001","account_id":"12001","environment":"production","revision":"1","from":1795777429359,"deactivated":false,"modified":1795777429}');
INSERT INTO older.documents OVERRIDING SYSTEM VALUE VALUES (5, 'kept', 'clock', '', '{"now":1768471200000,"set_at":1795777429382,"frozen":true}');
INSERT INTO older.events VALUES (1, 'kept', 'decision', 'u-1', '12001', 'd-1', 'campaign_activated', 'layer-checkout', '1768471200000', 'exp-checkout', 1, NULL, '{"kind":"decision","visitor_id":"u-1","account_id":"12001","uuid":"d-1","key":"campaign_activated","entity_id":"layer-checkout","timestamp":1768471200000,"revenue":null,"value":null,"quantity":null,"tags":{},"attributes":[],"experiment_id":"exp-checkout","variation_id":"checkout-a","campaign_id":"layer-checkout","holdback":false,"rule_type":null,"flag_key":null,"rule_key":null,"variation_key":null,"cmab_uuid":null,"client_name":"python-sdk","sent_to":null,"user_agent_bot":false,"received_at":1768471200000,"problems":[],"warnings":[]}');
INSERT INTO older.events VALUES (2, 'kept', 'conversion', 'u-1', '12001', 'c-1', 'Order Completed', 'ev-order', '1768471201000', NULL, 1, NULL, '{"kind":"conversion","visitor_id":"u-1","account_id":"12001","uuid":"c-1","key":"Order Completed","entity_id":"ev-order","timestamp":1768471201000,"revenue":null,"value":null,"quantity":null,"tags":{},"attributes":[],"experiment_id":null,"variation_id":null,"campaign_id":null,"holdback":false,"rule_type":null,"flag_key":null,"rule_key":null,"variation_key":null,"cmab_uuid":null,"client_name":"python-sdk","sent_to":null,"user_agent_bot":false,"received_at":1768471200000,"problems":[],"warnings":[]}');
INSERT INTO older.events VALUES (3, 'kept', 'conversion', 'u-2', '12001', 'c-2', 'Order Completed', 'ev-order', '1768471201000', NULL, 1, NULL, '{"kind":"conversion","visitor_id":"u-2","account_id":"12001","uuid":"c-2","key":"Order Completed","entity_id":"ev-order","timestamp":1768471201000,"revenue":null,"value":null,"quantity":null,"tags":{},"attributes":[],"experiment_id":null,"variation_id":null,"campaign_id":null,"holdback":false,"rule_type":null,"flag_key":null,"rule_key":null,"variation_key":null,"cmab_uuid":null,"client_name":"python-sdk","sent_to":null,"user_agent_bot":false,"received_at":1768471200000,"problems":[],"warnings":[]}');
INSERT INTO older.exchanges OVERRIDING SYSTEM VALUE VALUES (1, 'kept', 'events', 'POST', 204, 1768471200000, true, '{"path":"/v1/events","query":"","headers":{"Host":"127.0.0.1:38199","User-Agent":"python-requests/2.34.2","Accept-Encoding":"gzip, deflate","Accept":"*/*","Connection":"keep-alive","Content-Type":"application/json","Content-Length":"761"},"response":"","fault":null,"violations":null,"warnings":[]}', '\x7b226163636f756e745f6964223a20223132303031222c2022636c69656e745f6e616d65223a2022707974686f6e2d73646b222c2022636c69656e745f76657273696f6e223a2022352e352e30222c2022656e726963685f6465636973696f6e73223a20747275652c2022616e6f6e796d697a655f6970223a20747275652c202276697369746f7273223a205b7b2276697369746f725f6964223a2022752d31222c202261747472696275746573223a205b5d2c2022736e617073686f7473223a205b7b226465636973696f6e73223a205b7b2263616d706169676e5f6964223a20226c617965722d636865636b6f7574222c20226578706572696d656e745f6964223a20226578702d636865636b6f7574222c2022766172696174696f6e5f6964223a2022636865636b6f75742d61227d5d2c20226576656e7473223a205b7b22656e746974795f6964223a20226c617965722d636865636b6f7574222c20226b6579223a202263616d706169676e5f616374697661746564222c202275756964223a2022642d31222c202274696d657374616d70223a20313736383437313230303030307d5d7d5d7d2c207b2276697369746f725f6964223a2022752d31222c202261747472696275746573223a205b5d2c2022736e617073686f7473223a205b7b226576656e7473223a205b7b22656e746974795f6964223a202265762d6f72646572222c20226b6579223a20224f7264657220436f6d706c65746564222c202275756964223a2022632d31222c202274696d657374616d70223a20313736383437313230313030307d5d7d5d7d2c207b2276697369746f725f6964223a2022752d32222c202261747472696275746573223a205b5d2c2022736e617073686f7473223a205b7b226576656e7473223a205b7b22656e746974795f6964223a202265762d6f72646572222c20226b6579223a20224f7264657220436f6d706c65746564222c202275756964223a2022632d32222c202274696d657374616d70223a20313736383437313230313030307d5d7d5d7d5d7d');
INSERT INTO older.namespaces VALUES ('kept');
INSERT INTO older.projection VALUES (1, 3, 1);
INSERT INTO older.totals VALUES ('kept', '{"arms":{"exp-checkout":{"checkout-a":["a",1,{"ev-order":[1,1,0,"0"]}]},"exp-kept_out":{"everyone_else":["everyone_else",1,{"ev-order":[1,1,0,"0"]}]}},"set_aside":{}}');
INSERT INTO older.verdicts OVERRIDING SYSTEM VALUE VALUES (1, 'kept', NULL, 'event', NULL, NULL, NULL, NULL, NULL, 'Order Completed', NULL, false, false, 0, 2, NULL, 1, 'counted', '["checkout","exp-checkout"]');
INSERT INTO older.verdicts OVERRIDING SYSTEM VALUE VALUES (2, 'kept', NULL, 'event', NULL, NULL, NULL, NULL, NULL, 'Order Completed', NULL, false, false, 0, 3, NULL, 1, 'user_not_activated', '[]');
INSERT INTO older.visitors VALUES ('kept', 'u1', 'u-1');
INSERT INTO older.visitors VALUES ('kept', 'u2', 'u-2');
SELECT pg_catalog.setval('older.documents_number_seq', 5, true);
SELECT pg_catalog.setval('older.exchanges_number_seq', 1, true);
SELECT pg_catalog.setval('older.runs_number_seq', 1, false);
SELECT pg_catalog.setval('older.verdicts_number_seq', 2, true);
ALTER TABLE ONLY older.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (number);
ALTER TABLE ONLY older.dropped
    ADD CONSTRAINT dropped_pkey PRIMARY KEY (namespace, listing);
ALTER TABLE ONLY older.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (number);
ALTER TABLE ONLY older.exchanges
    ADD CONSTRAINT exchanges_pkey PRIMARY KEY (number);
ALTER TABLE ONLY older.namespaces
    ADD CONSTRAINT namespaces_pkey PRIMARY KEY (name);
ALTER TABLE ONLY older.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (number);
ALTER TABLE ONLY older.totals
    ADD CONSTRAINT totals_pkey PRIMARY KEY (namespace);
ALTER TABLE ONLY older.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (number);
CREATE INDEX documents_id ON older.documents USING btree (kind, namespace, "left"((id)::text, 100));
CREATE INDEX events_decisions ON older.events USING btree ("left"((visitor_id)::text, 100), namespace, number) WHERE (kind = 'decision'::text);
CREATE INDEX events_duplicate ON older.events USING btree (duplicate_of) WHERE (duplicate_of IS NOT NULL);
CREATE INDEX events_exchange ON older.events USING btree (exchange);
CREATE INDEX events_experiment ON older.events USING btree ("left"((experiment_id)::text, 100), namespace, number) WHERE (experiment_id IS NOT NULL);
CREATE INDEX events_key ON older.events USING btree ("left"((key)::text, 100), namespace, number);
CREATE INDEX events_namespace ON older.events USING btree (namespace, number);
CREATE INDEX events_uuid ON older.events USING btree ("left"((uuid)::text, 100), namespace);
CREATE INDEX events_visitor ON older.events USING btree ("left"((visitor_id)::text, 100), namespace, number);
CREATE INDEX exchanges_namespace ON older.exchanges USING btree (namespace, number);
CREATE INDEX runs_id ON older.runs USING btree ("left"((id)::text, 100), namespace);
CREATE INDEX runs_namespace ON older.runs USING btree (namespace, number);
CREATE INDEX stale_visitor ON older.stale USING btree (namespace, "left"((visitor_id)::text, 100));
CREATE INDEX verdicts_delivery ON older.verdicts USING btree ("left"((delivery_id)::text, 100), namespace) WHERE (delivery_id IS NOT NULL);
CREATE INDEX verdicts_event ON older.verdicts USING btree (event) WHERE (event IS NOT NULL);
CREATE INDEX verdicts_event_key ON older.verdicts USING btree ("left"((event_key)::text, 100), namespace, number);
CREATE INDEX verdicts_message ON older.verdicts USING btree ("left"((message_id)::text, 100), namespace) WHERE (message_id IS NOT NULL);
CREATE INDEX verdicts_namespace ON older.verdicts USING btree (namespace, number);
CREATE INDEX verdicts_outcome ON older.verdicts USING btree (outcome, namespace, number) WHERE (judged = 1);
CREATE INDEX verdicts_unjudged ON older.verdicts USING btree (number) WHERE (judged = 0);
CREATE INDEX verdicts_uuid ON older.verdicts USING btree ("left"((uuid)::text, 100), namespace) WHERE (uuid IS NOT NULL);
CREATE INDEX verdicts_visitor ON older.verdicts USING btree ("left"((visitor_id)::text, 100), namespace) WHERE (visitor_id IS NOT NULL);
CREATE INDEX verdicts_waiting ON older.verdicts USING btree ("left"((uuid)::text, 100)) WHERE ((event IS NULL) AND waits);
CREATE INDEX visitors_fold ON older.visitors USING btree (namespace, "left"((fold)::text, 100));

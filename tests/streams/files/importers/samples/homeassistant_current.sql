-- The recorder's tables of schema version 48, as far as an import reads them.
CREATE TABLE schema_changes (change_id INTEGER PRIMARY KEY, schema_version INTEGER, changed DATETIME);
CREATE TABLE event_types (event_type_id INTEGER PRIMARY KEY, event_type VARCHAR(64));
CREATE TABLE event_data (data_id INTEGER PRIMARY KEY, hash BIGINT, shared_data TEXT);
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY, event_type CHAR(0), event_data CHAR(0), origin CHAR(0),
    origin_idx SMALLINT, time_fired CHAR(0), time_fired_ts FLOAT, context_id CHAR(0),
    context_user_id CHAR(0), context_parent_id CHAR(0), data_id INTEGER, context_id_bin BLOB,
    context_user_id_bin BLOB, context_parent_id_bin BLOB, event_type_id INTEGER
);
CREATE INDEX ix_events_event_type_id_time_fired_ts ON events (event_type_id, time_fired_ts);
CREATE TABLE states_meta (metadata_id INTEGER PRIMARY KEY, entity_id VARCHAR(255));
CREATE TABLE states (
    state_id INTEGER PRIMARY KEY, entity_id CHAR(0), state VARCHAR(255), attributes CHAR(0),
    event_id SMALLINT, last_changed CHAR(0), last_changed_ts FLOAT, last_updated CHAR(0),
    last_updated_ts FLOAT, old_state_id INTEGER, attributes_id INTEGER, context_id CHAR(0),
    context_user_id CHAR(0), context_parent_id CHAR(0), origin_idx SMALLINT, context_id_bin BLOB,
    context_user_id_bin BLOB, context_parent_id_bin BLOB, metadata_id INTEGER
);
INSERT INTO schema_changes VALUES (1, 48, '2026-03-01 00:00:00.000000');
INSERT INTO event_types VALUES
    (1, 'call_service'), (2, 'automation_triggered'), (3, 'alexa_smart_home'),
    (4, 'google_assistant_command'), (5, 'homeassistant_start');
INSERT INTO states_meta VALUES (1, 'assist_satellite.kitchen'), (2, 'light.ceiling');
INSERT INTO event_data VALUES
    (1, 1, '{"domain":"light","service":"turn_on","service_data":{"entity_id":["light.ceiling"]}}'),
    (2, 2, '{"domain":"light","service":"turn_on","service_data":{"entity_id":["light.counter"]}}'),
    (3, 3, '{"domain":"lock","service":"unlock","service_data":{"entity_id":"lock.front_door"}}'),
    (4, 4, '{"name":"Motion in the hall","entity_id":"automation.motion_hall","source":"state"}'),
    (5, 5, '{"domain":"light","service":"turn_off","service_data":{"entity_id":"light.hall"}}'),
    (6, 6, '{"domain":"conversation","service":"process","service_data":{"text":"what time is it"}}'),
    (7, 7, '{"domain":"cover","service":"open_cover","service_data":{"entity_id":"cover.garage"}}'),
    (8, 8, '{"request":{"namespace":"Alexa.ModeController","name":"SetMode","entity_id":"cover.garage"},"response":{"namespace":"Alexa","name":"Response"}}'),
    (9, 9, '{"domain":"scene","service":"turn_on","service_data":{"entity_id":"scene.movie"}}'),
    (10, 10, '{"domain":"light","service":"turn_off","service_data":{"entity_id":"light.sofa"}}'),
    (11, 11, '{"domain":"script","service":"philippas_evening","service_data":{}}'),
    (12, 12, '{"domain":"persistent_notification","service":"create","service_data":{"message":"x"}}');
INSERT INTO states (state_id, state, last_updated_ts, context_id_bin, metadata_id) VALUES
    (1, 'processing', 1774982400.1, x'0195e0000000000000000000000000a1', 1),
    (2, 'on', 1774982401.0, x'0195e0000000000000000000000000a1', 2);
INSERT INTO events
    (event_id, event_type_id, data_id, time_fired_ts, context_id_bin, context_user_id_bin,
     context_parent_id_bin) VALUES
    -- The satellite in the kitchen: one sentence, two lights.
    (1, 1, 1, 1774982400.2, x'0195e0000000000000000000000000a1', NULL, NULL),
    (2, 1, 2, 1774982400.3, x'0195e0000000000000000000000000a1', NULL, NULL),
    -- A user on the dashboard.
    (3, 1, 3, 1774983000.0, x'0195e0000000000000000000000000b2', x'11111111111111111111111111111111', NULL),
    -- An automation.
    (4, 2, 4, 1774983600.0, x'0195e0000000000000000000000000c3', NULL, x'0195e0000000000000000000000000c2'),
    (5, 1, 5, 1774983600.1, x'0195e0000000000000000000000000c3', NULL, x'0195e0000000000000000000000000c2'),
    -- A text to the assistant that makes no call.
    (6, 1, 6, 1774984200.0, x'0195e0000000000000000000000000d4', x'11111111111111111111111111111111', NULL),
    -- Alexa, whose event follows its call.
    (7, 1, 7, 1774984800.0, x'0195e0000000000000000000000000e5', x'22222222222222222222222222222222', NULL),
    (8, 3, 8, 1774984801.5, x'0195e0000000000000000000000000e5', x'22222222222222222222222222222222', NULL),
    -- A scene, and what follows from it.
    (9, 1, 9, 1774985400.0, x'0195e0000000000000000000000000f6', x'11111111111111111111111111111111', NULL),
    (10, 1, 10, 1774985400.1, x'0195e0000000000000000000000000f6', x'11111111111111111111111111111111', NULL),
    -- A script that the home named, a service that is no command, and an integration.
    (11, 1, 11, 1774986000.0, x'0195e000000000000000000000000107', x'11111111111111111111111111111111', NULL),
    (12, 1, 12, 1774986600.0, x'0195e000000000000000000000000118', x'11111111111111111111111111111111', NULL),
    (13, 1, 10, 1774987200.0, x'0195e000000000000000000000000129', NULL, NULL),
    (14, 5, NULL, 1774987300.0, x'0195e00000000000000000000000013a', NULL, NULL);

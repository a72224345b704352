-- The recorder's tables of schema version 18 (2021): types, data and times are in the events.
CREATE TABLE schema_changes (change_id INTEGER PRIMARY KEY, schema_version INTEGER, changed DATETIME);
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY, event_type VARCHAR(64), event_data TEXT, origin VARCHAR(32),
    time_fired DATETIME, created DATETIME, context_id VARCHAR(36), context_user_id VARCHAR(36),
    context_parent_id VARCHAR(36)
);
CREATE TABLE states (
    state_id INTEGER PRIMARY KEY, domain VARCHAR(64), entity_id VARCHAR(255), state VARCHAR(255),
    attributes TEXT, event_id INTEGER, last_changed DATETIME, last_updated DATETIME,
    created DATETIME, old_state_id INTEGER
);
INSERT INTO schema_changes VALUES (1, 18, '2021-07-01 00:00:00.000000');
INSERT INTO events VALUES
    (1, 'call_service',
     '{"domain": "lock", "service": "lock", "service_data": {"entity_id": "lock.front_door"}}',
     'LOCAL', '2021-08-01 20:15:30.250000', '2021-08-01 20:15:31.000000',
     '0f0e0d0c0b0a09080706050403020100', '11111111111111111111111111111111', NULL),
    (2, 'automation_triggered', '{"name": "x", "entity_id": "automation.x"}', 'LOCAL',
     '2021-08-01 21:00:00.000000', '2021-08-01 21:00:00.000000',
     '1f0e0d0c0b0a09080706050403020100', NULL, NULL),
    (3, 'call_service', '{"domain": "switch", "service": "turn_on", "service_data": {}}', 'LOCAL',
     '2021-08-01 21:00:00.100000', '2021-08-01 21:00:00.100000',
     '1f0e0d0c0b0a09080706050403020100', NULL, NULL),
    (4, 'google_assistant_command',
     '{"request_id": "1", "source": "cloud", "entity_id": ["light.desk"], "execution": []}',
     'LOCAL', '2021-08-02 07:00:00.000000', '2021-08-02 07:00:00.000000',
     '2f0e0d0c0b0a09080706050403020100', '22222222222222222222222222222222', NULL),
    (5, 'call_service',
     '{"domain": "light", "service": "turn_on", "service_data": {"entity_id": ["light.desk"], "brightness_pct": 40}}',
     'LOCAL', '2021-08-02 07:00:00.050000', '2021-08-02 07:00:00.050000',
     '2f0e0d0c0b0a09080706050403020100', '22222222222222222222222222222222', NULL);

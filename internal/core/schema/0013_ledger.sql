-- Reminders of consents that end.

-- When the customer is told that a consent ends soon: NULL once told, or where nothing is to be told.
ALTER TABLE consent_state ADD COLUMN remind_at BIGINT;
CREATE INDEX consent_state_reminder ON consent_state (remind_at) WHERE remind_at IS NOT NULL;

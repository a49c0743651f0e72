-- For how long after it came into force customers may put off accepting a new version of a legal text.
ALTER TABLE document ADD COLUMN grace BIGINT NOT NULL DEFAULT 0;

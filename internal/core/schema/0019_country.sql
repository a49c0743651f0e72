-- The country that data went to, as it was known when it went.
ALTER TABLE disclosure ADD COLUMN country TEXT NOT NULL DEFAULT '';

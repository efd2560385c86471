-- What a claim says besides its expression: a precondition, the level of its interval, and the power for which the seeds
-- still needed are counted.
ALTER TABLE claim ADD COLUMN given TEXT NOT NULL DEFAULT '';
ALTER TABLE claim ADD COLUMN level REAL NOT NULL DEFAULT 0.95;
ALTER TABLE claim ADD COLUMN power REAL NOT NULL DEFAULT 0.8;

-- Cells that `assay run --repeat-check` ran a second time: what was compared with the attempt, and with which end.
CREATE TABLE repeat_run (
  attempt         INTEGER NOT NULL REFERENCES attempt(id),   -- the one that was compared with
  place           INTEGER NOT NULL,
  verdict         TEXT NOT NULL CHECK (verdict IN ('identical', 'equivalent', 'different')),
  says            TEXT NOT NULL,    -- the comparison in a sentence
  machine         TEXT NOT NULL,
  build           TEXT NOT NULL,
  numerics        TEXT NOT NULL,
  columns         INTEGER NOT NULL, -- of per-unit outcomes that were compared
  units           INTEGER NOT NULL, -- in the longest of them
  scores          INTEGER NOT NULL,
  deviations_json TEXT NOT NULL,
  PRIMARY KEY (attempt, place)
) STRICT, WITHOUT ROWID;

-- One row a repetition, with the cell that it repeated.
CREATE VIEW repeats AS
SELECT a.protocol_hash, c.generation, c.label, c.method, c.subject, r.*
FROM repeat_run r JOIN attempt a ON a.id = r.attempt JOIN cell c ON c.id = a.cell;

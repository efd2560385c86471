-- The ids of a column are those of a sample list, which hundreds of columns of a database share: they are stored once. Ids are
-- hashes, so no compressor makes them small; with a copy a column they were nine tenths of a database.
CREATE TABLE sample_list (
  id    INTEGER PRIMARY KEY,
  ids_z BLOB NOT NULL UNIQUE        -- as described at table outcome
) STRICT;
INSERT INTO sample_list(ids_z) SELECT DISTINCT ids_z FROM outcome;

CREATE TABLE outcome_with_list (
  id            INTEGER PRIMARY KEY,
  attempt       INTEGER NOT NULL REFERENCES attempt(id),
  condition     TEXT NOT NULL,
  configuration TEXT NOT NULL,
  unit          TEXT NOT NULL,
  quantity      TEXT NOT NULL,
  grade         TEXT NOT NULL CHECK (grade IN ('judged', 'host-measured', 'reported')),
  n             INTEGER NOT NULL,
  mean          REAL,               -- NULL when n is 0 or a value is not finite
  sha256        TEXT NOT NULL,
  list          INTEGER NOT NULL REFERENCES sample_list(id),
  values_z      BLOB NOT NULL,
  UNIQUE (attempt, condition, configuration, unit, quantity)
) STRICT;
INSERT INTO outcome_with_list
SELECT o.id, o.attempt, o.condition, o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, l.id, o.values_z
FROM outcome o JOIN sample_list l ON l.ids_z = o.ids_z ORDER BY o.id;

DROP VIEW outcomes;
DROP TABLE outcome;
ALTER TABLE outcome_with_list RENAME TO outcome;

-- An outcome with the ids of its list.
CREATE VIEW outcome_column AS
SELECT o.id, o.attempt, o.condition, o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, l.ids_z, o.values_z
FROM outcome o JOIN sample_list l ON l.id = o.list;

-- One row a stored column of per-unit outcomes of the attempts that stand; the blobs are described at table outcome.
CREATE VIEW outcomes AS
SELECT s.protocol_hash, c.generation, c.method, c.params_json, c.subject, c.axes_json, c.seeds_json, o.attempt, o.condition,
       o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, o.ids_z, o.values_z
FROM standing s JOIN cell c ON c.id = s.cell JOIN outcome_column o ON o.attempt = s.attempt;

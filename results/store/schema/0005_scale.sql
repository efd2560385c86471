-- Views that a protocol's rows are read from without looking at the rows of others, however many cells there are: a
-- condition on protocol_hash reaches the plans, and CROSS JOIN (to SQLite: in this order) goes on from there. SQLite hands
-- such a condition on to subqueries with windows over it, but not to those with GROUP BY, hence the windows. The attempt that
-- stands is a column of current_cell, found by the index of its cell.

CREATE INDEX plan_by_suite ON plan(suite, protocol_hash, used);

DROP VIEW outcomes;
DROP VIEW leaderboard;
DROP VIEW coverage;
DROP VIEW standing;
DROP VIEW current_cell;

-- Cells that boards of a protocol show and count. `attempt`: the one that stands, or NULL: the last ok one, else the last
-- rejected one, else the last one; of equals, one of the cell's own numerics class. A failed attempt never hides a good
-- one, a retracted one never stands.
CREATE VIEW current_cell AS
SELECT x.protocol_hash, x.judgement, c.id, c.generation, c.label, c.method, c.params_json, c.subject,
       c.axes_json, c.seeds_json, c.numerics, c.baseline, coalesce(g.name, '') AS plugin_name,
       coalesce(g.version, '') AS plugin_version, coalesce(g.digest, '') AS plugin_digest, g.descriptor_json,
       (SELECT t.id
        FROM (SELECT a.id, a.n, CASE a.status WHEN 'ok' THEN 0 WHEN 'rejected' THEN 1 ELSE 2 END AS outcome,
                     a.numerics <> c.numerics AS foreign_numerics
              FROM attempt a
              WHERE a.cell = c.id AND a.judgement = x.judgement AND a.protocol_hash = x.protocol_hash AND a.retracted = '') t
        ORDER BY t.outcome, t.foreign_numerics, t.n DESC LIMIT 1) AS attempt
FROM (SELECT DISTINCT p.protocol_hash, pc.judgement, pc.cell FROM latest_plan p CROSS JOIN plan_cell pc ON pc.plan = p.id) x
CROSS JOIN cell c ON c.id = x.cell AND c.kind = 'cell'
LEFT JOIN plugin g ON g.id = c.plugin;

-- The attempts that stand.
CREATE VIEW standing AS
SELECT cc.protocol_hash, cc.id AS cell, a.id AS attempt, a.status, a.reason, a.level
FROM current_cell cc JOIN attempt a ON a.id = cc.attempt;

-- Current cells with what coverage says of their row; `place` numbers the cells of a row.
CREATE VIEW row_cell AS
SELECT cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject, cc.axes_json,
       s.id AS attempt, coalesce(s.status = 'ok' AND s.level < 2, 0) AS counts,
       max(cc.baseline) OVER one_row AS baseline, count(*) OVER one_row AS planned,
       sum(coalesce(s.status = 'ok' AND s.level < 2, 0)) OVER one_row AS done,
       CASE max(coalesce(s.level, 0)) OVER one_row WHEN 0 THEN 'VALID' WHEN 1 THEN 'SUSPECT' ELSE 'INVALID' END AS level,
       row_number() OVER one_row AS place
FROM current_cell cc
LEFT JOIN attempt s ON s.id = cc.attempt
WINDOW one_row AS (PARTITION BY cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject,
                   cc.axes_json);

-- One row a method x parameters x axes: how many cells were planned, done (ok and not INVALID), and the worst level.
CREATE VIEW coverage AS
SELECT protocol_hash, method, plugin_version, plugin_digest, params_json, subject, axes_json, baseline, planned, done, level
FROM row_cell WHERE place = 1;

-- One row a protocol x method x axes x condition x quantity: the mean over cells that are done, as
-- `assay leaderboard` prints it. seeds: how many cells the mean is over.
CREATE VIEW leaderboard AS
SELECT protocol_hash, method, plugin_version, plugin_digest, params_json, subject, axes_json, baseline, condition,
       configuration, quantity, grade, mean, seeds, done, planned, level
FROM (SELECT w.protocol_hash, w.method, w.plugin_version, w.plugin_digest, w.params_json, w.subject, w.axes_json, w.baseline,
             x.condition, x.configuration, x.quantity, x.grade, avg(x.value) OVER one_number AS mean,
             count(*) OVER one_number AS seeds, w.done, w.planned, w.level, row_number() OVER one_number AS place
      FROM row_cell w
      CROSS JOIN score x ON x.attempt = w.attempt AND x.value IS NOT NULL
      WHERE w.counts
      WINDOW one_number AS (PARTITION BY w.protocol_hash, w.method, w.plugin_version, w.plugin_digest, w.params_json, w.subject,
                            w.axes_json, x.condition, x.configuration, x.quantity, x.grade))
WHERE place = 1;

-- One row a stored column of per-unit outcomes of the attempts that stand; the blobs are described at table outcome.
CREATE VIEW outcomes AS
SELECT s.protocol_hash, c.generation, c.method, c.params_json, c.subject, c.axes_json, c.seeds_json, o.attempt, o.condition,
       o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, o.ids_z, o.values_z
FROM standing s JOIN cell c ON c.id = s.cell JOIN outcome o ON o.attempt = s.attempt;

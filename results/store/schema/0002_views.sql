-- Views: the documented way in from SQL and pandas (results/store/README.md).

-- The latest plan of each suite under each protocol.
CREATE VIEW latest_plan AS
SELECT p.*, s.name AS suite_name, s.task AS task
FROM plan p JOIN suite s ON s.id = p.suite
WHERE p.used = (SELECT max(q.used) FROM plan q WHERE q.suite = p.suite AND q.protocol_hash = p.protocol_hash);

-- Cells that boards of a protocol show and count.
CREATE VIEW current_cell AS
SELECT DISTINCT p.protocol_hash, pc.judgement, c.id, c.generation, c.label, c.method, c.params_json, c.subject,
       c.axes_json, c.seeds_json, c.numerics, c.baseline, coalesce(g.name, '') AS plugin_name,
       coalesce(g.version, '') AS plugin_version, coalesce(g.digest, '') AS plugin_digest, g.descriptor_json
FROM latest_plan p
JOIN plan_cell pc ON pc.plan = p.id
JOIN cell c ON c.id = pc.cell AND c.kind = 'cell'
LEFT JOIN plugin g ON g.id = c.plugin;

-- The attempt that stands for a current cell: the last ok one, else the last rejected one, else the last one; of equals,
-- one of the cell's own numerics class. A failed attempt never hides a good one, a retracted one never stands.
CREATE VIEW standing AS
SELECT protocol_hash, cell, attempt, status, reason, level FROM (
  SELECT cc.protocol_hash, cc.id AS cell, a.id AS attempt, a.status, a.reason, a.level,
         row_number() OVER (
           PARTITION BY cc.protocol_hash, cc.id, cc.judgement
           ORDER BY CASE a.status WHEN 'ok' THEN 0 WHEN 'rejected' THEN 1 ELSE 2 END,
                    a.numerics <> cc.numerics, a.n DESC) AS place
  FROM current_cell cc
  JOIN attempt a ON a.cell = cc.id AND a.judgement = cc.judgement AND a.protocol_hash = cc.protocol_hash
  WHERE a.retracted = '')
WHERE place = 1;

-- One row a method x parameters x axes: how many cells were planned, done (ok and not INVALID), and the worst level.
CREATE VIEW coverage AS
SELECT cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject, cc.axes_json,
       max(cc.baseline) AS baseline, count(*) AS planned,
       sum(coalesce(s.status = 'ok' AND s.level < 2, 0)) AS done,
       CASE max(coalesce(s.level, 0)) WHEN 0 THEN 'VALID' WHEN 1 THEN 'SUSPECT' ELSE 'INVALID' END AS level
FROM current_cell cc
LEFT JOIN standing s ON s.protocol_hash = cc.protocol_hash AND s.cell = cc.id
GROUP BY cc.protocol_hash, cc.method, cc.plugin_version, cc.plugin_digest, cc.params_json, cc.subject, cc.axes_json;

-- One row a protocol x method x axes x condition x quantity: the mean over cells that are done, as
-- `assay leaderboard` prints it. seeds: how many cells the mean is over.
CREATE VIEW leaderboard AS
SELECT c.protocol_hash, c.method, c.plugin_version, c.plugin_digest, c.params_json, c.subject, c.axes_json, c.baseline,
       x.condition, x.configuration, x.quantity, x.grade, avg(x.value) AS mean, count(*) AS seeds, c.done, c.planned, c.level
FROM coverage c
JOIN current_cell cc ON cc.protocol_hash = c.protocol_hash AND cc.method = c.method AND cc.plugin_version = c.plugin_version
  AND cc.plugin_digest = c.plugin_digest AND cc.params_json = c.params_json AND cc.subject = c.subject
  AND cc.axes_json = c.axes_json
JOIN standing s ON s.protocol_hash = cc.protocol_hash AND s.cell = cc.id AND s.status = 'ok' AND s.level < 2
JOIN score x ON x.attempt = s.attempt AND x.value IS NOT NULL
GROUP BY c.protocol_hash, c.method, c.plugin_version, c.plugin_digest, c.params_json, c.subject, c.axes_json, x.condition,
         x.configuration, x.quantity, x.grade;

-- One row an attempt, with everything that names it.
CREATE VIEW attempts AS
SELECT a.id AS attempt, a.protocol_hash, c.generation, c.kind, c.label, c.method, c.params_json, c.subject, c.axes_json,
       c.seeds_json, g.name AS plugin_name, g.version AS plugin_version, g.digest AS plugin_digest, a.n, a.status, a.reason,
       CASE a.level WHEN 0 THEN 'VALID' WHEN 1 THEN 'SUSPECT' ELSE 'INVALID' END AS level, a.retracted, a.judgement,
       a.numerics, a.data_hash, a.model_hash, a.machine, a.build, a.host_json, a.wall_seconds, a.cpu_seconds,
       a.peak_rss_bytes, a.forward, a.backward, a.macs
FROM attempt a JOIN cell c ON c.id = a.cell LEFT JOIN plugin g ON g.id = c.plugin;

-- One row a stored column of per-unit outcomes of the attempts that stand; the blobs are described at table outcome.
CREATE VIEW outcomes AS
SELECT s.protocol_hash, c.generation, c.method, c.params_json, c.subject, c.axes_json, c.seeds_json, o.attempt, o.condition,
       o.configuration, o.unit, o.quantity, o.grade, o.n, o.mean, o.sha256, o.ids_z, o.values_z
FROM standing s JOIN cell c ON c.id = s.cell JOIN outcome o ON o.attempt = s.attempt;

-- Q1: one organization with region and sectors.
\set n random(1, 10000)
SELECT o.id, o.slug, o.name, o.region, o.sectors
FROM organization o
WHERE o.id = (SELECT k.id FROM bench_keys.organization k WHERE k.n = :n) AND o.visibility = 0;

-- Q2: twenty organizations of a region and sector by name, with sectors.
\set n random(1, 10000)
SELECT o.id, o.slug, o.name, o.sectors
FROM bench_keys.sector k
CROSS JOIN LATERAL (
    SELECT l.name_key, l.id
    FROM organization_list l
    WHERE l.facet = k.facet AND l.region = k.region AND l.visibility = 0
    ORDER BY l.name_key, l.id
    LIMIT 20
) p
JOIN organization o ON o.id = p.id
WHERE k.n = :n
ORDER BY p.name_key, p.id;

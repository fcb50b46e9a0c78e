-- Q3: the same with their first five partnerships, the parties, and the parties' names.
\set n random(1, 10000)
SELECT o.id, o.slug, o.name, o.sectors, s.id, s.titles, y.position, y.role, z.id, z.name
FROM bench_keys.sector k
CROSS JOIN LATERAL (
    SELECT l.name_key, l.id
    FROM organization_list l
    WHERE l.facet = k.facet AND l.region = k.region AND l.visibility = 0
    ORDER BY l.name_key, l.id
    LIMIT 20
) p
JOIN organization o ON o.id = p.id
LEFT JOIN LATERAL (
    SELECT x.starts_key, s.id, s.titles
    FROM partnership_party x
    JOIN partnership s ON s.id = x.partnership_id
    WHERE x.organization_id = p.id AND s.visibility = 0
    ORDER BY x.starts_key, x.partnership_id
    LIMIT 5
) s ON true
LEFT JOIN partnership_party y ON y.partnership_id = s.id
LEFT JOIN organization z ON z.id = y.organization_id
WHERE k.n = :n
ORDER BY p.name_key, p.id, s.starts_key, s.id, y.position;

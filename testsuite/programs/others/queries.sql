CREATE TABLE numbers(n INTEGER PRIMARY KEY, square INTEGER);
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000)
  INSERT INTO numbers SELECT n, n * n FROM c;
SELECT count(*), sum(n), sum(square) FROM numbers;
SELECT count(*), sum(a.n) FROM numbers AS a WHERE a.n BETWEEN 2 AND 100 AND NOT EXISTS
  (SELECT 1 FROM numbers AS b WHERE b.n > 1 AND b.n < a.n AND a.n % b.n = 0);
SELECT group_concat(n, ' ') FROM
  (SELECT n FROM numbers WHERE square % 1000 = 1 ORDER BY n DESC LIMIT 5);
SELECT upper('sqlite'), round(avg(square), 2), typeof(avg(n)), hex(zeroblob(2)) FROM numbers;

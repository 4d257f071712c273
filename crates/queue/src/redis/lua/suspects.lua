-- ARGV: lease, list, most. Takes suspects of one sort.
local records = redis.call('LPOP', P .. ARGV[4], tonumber(ARGV[5])) or {}
hold(ARGV[3], records)
return { records, headers(records) }

-- ARGV: lease. What it holds here.
return redis.call('HVALS', P .. 'lease:' .. ARGV[3])

-- ARGV: chunk, header, then place, delay and record of each job. A chunk that is here already is left as it is.
if redis.call('HSETNX', P .. 'headers', ARGV[3], ARGV[4]) == 0 then
    return 0
end
local jobs = (#ARGV - 4) / 3
redis.call('HSET', P .. 'left', ARGV[3], jobs)
for n = 5, #ARGV, 3 do
    put(ARGV[n], ARGV[n + 1], ARGV[n + 2])
end
return jobs

-- ARGV: of each job its lease, id, chunk, place, delay and record; place 'x' forgets it. Only what the lease still holds
-- moves, so that saying it twice is harmless. Answers with the chunks of which nothing is left.
local ended, leases = {}, {}
for n = 3, #ARGV, 6 do
    local lease, id, chunk, place = ARGV[n], ARGV[n + 1], ARGV[n + 2], ARGV[n + 3]
    leases[lease] = true
    if redis.call('HDEL', P .. 'lease:' .. lease, id) == 1 then
        if place ~= 'x' then
            put(place, ARGV[n + 4], ARGV[n + 5])
        elseif redis.call('HINCRBY', P .. 'left', chunk, -1) <= 0 then
            redis.call('HDEL', P .. 'left', chunk)
            redis.call('HDEL', P .. 'headers', chunk)
            ended[#ended + 1] = chunk
        end
    end
end
for lease in pairs(leases) do
    if redis.call('EXISTS', P .. 'lease:' .. lease) == 0 then
        redis.call('SREM', P .. 'leases', lease)
    end
end
return ended

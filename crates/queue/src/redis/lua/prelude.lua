-- ARGV[1] is the prefix of every key, ARGV[2] the epoch. A Redis that was started anew, emptied or put in another's
-- place has another one, and nothing is asked of it.
local P, epoch = ARGV[1], ARGV[2]
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('GET', P .. 'epoch') ~= epoch or string.sub(epoch, -#run_id) ~= run_id then
    return redis.error_reply('EPOCH what this Redis held is lost')
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Puts a record where it belongs: 'd' waits for its time, 's1' and 's2' are suspects, 'r' is due.
local function put(place, delay, record)
    if place == 'd' then
        redis.call('ZADD', P .. 'delayed', now + tonumber(delay), record)
    elseif place == 'r' then
        local priority = string.match(record, '^%[%d+,%d+,(-?%d+)')
        redis.call('ZADD', P .. 'priorities', priority, priority)
        redis.call('RPUSH', P .. 'ready:' .. priority, record)
    else
        redis.call('RPUSH', P .. place, record)
    end
end

-- The most records whose time has come that one call moves.
local PROMOTED = 1000
local function promote()
    local due = redis.call('ZRANGEBYSCORE', P .. 'delayed', '-inf', now, 'LIMIT', 0, PROMOTED)
    for _, record in ipairs(due) do
        redis.call('ZREM', P .. 'delayed', record)
        put('r', 0, record)
    end
end

-- Makes a record that of a lease, under its job's id.
local function hold(lease, records)
    for _, record in ipairs(records) do
        redis.call('HSET', P .. 'lease:' .. lease, string.match(record, '^%[(%d+)'), record)
    end
    if #records > 0 then
        redis.call('SADD', P .. 'leases', lease)
    end
end

-- What the jobs of these records have in common, by chunk.
local function headers(records)
    local seen, found = {}, {}
    for _, record in ipairs(records) do
        local chunk = string.match(record, '^%[%d+,(%d+)')
        if not seen[chunk] then
            seen[chunk] = true
            found[#found + 1] = chunk
            found[#found + 1] = redis.call('HGET', P .. 'headers', chunk) or ''
        end
    end
    return found
end
